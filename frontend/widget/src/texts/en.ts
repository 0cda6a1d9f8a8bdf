/** The texts up to the calendar in English. Those of later steps are in en.later.ts. */

export const en = {
  timesIn: "Times in your time zone: {zone}",
  changeZone: "Change time zone",
  language: "Language",
  close: "Close",
  back: "Back",
  loading: "Loading…",
  reload: "Reload",
  notLoaded: "This part could not be loaded. Please reload the page.",

  steps: {
    label: "Progress",
    service: "Service",
    agent: "Person",
    time: "Time",
    details: "Details",
  },

  summary: {
    label: "Your choice",
    service: "Service",
    agent: "With",
    day: "Day",
    time: "Time",
    zone: "Time zone",
  },

  services: {
    title: "What can we help you with?",
    lead: "Choose a service.",
    empty: "There is nothing to book right now. Please come back later.",
  },

  agents: {
    title: "Who would you like to meet?",
    lead: "Each person has different times available.",
  },

  time: {
    title: "When suits you?",
    lead: "Choose a day, then a time.",
    soonest: "Next available",
    previousMonth: "Previous month",
    nextMonth: "Next month",
    loadingDays: "Looking for available days…",
    noneIn: "No times are available in {month}.",
    lookIn: "Look in {month}",
    freeDays: { one: "{count} day with available times in {month}", other: "{count} days with available times in {month}" },
    notFree: "no available times",
    pickDay: "Choose one of the marked days to see its times.",
  },
};
