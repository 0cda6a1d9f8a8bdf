/** The texts up to the calendar in English. Those of later steps are in en.later.ts. */

export const en = {
  timesIn: "Times in your time zone: {zone}",
  changeZone: "Change time zone",
  language: "Language",
  close: "Close",
  back: "Back",
  tryAgain: "Try again",
  tryAgainIn: "Try again in {seconds} s",
  loading: "Loading…",

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
    soonestNone: "No times are available in the next three months.",
    soonestFailed: "These could not be loaded. Choose a day below.",
    previousMonth: "Previous month",
    nextMonth: "Next month",
    loadingDays: "Looking for available days…",
    noneIn: "No times are available in {month}.",
    lookIn: "Look in {month}",
    freeDays: { one: "{count} day with available times in {month}", other: "{count} days with available times in {month}" },
    notFree: "no available times",
    pickDay: "Choose one of the marked days to see its times.",
    morning: "Morning",
    afternoon: "Afternoon",
    evening: "Evening",
    freeHours: { one: "{count} available time", other: "{count} available times" },
    noHours: "No times are left on this day. Please choose another day.",
    taken: "{time} was taken a moment ago. Nothing has been booked.",
    takenByUs: "{time} is taken, perhaps by your own first attempt. Look for a confirmation e-mail before you book another time.",
    goneHour: "taken",
    another: "Choose another time",
    takenFree: "These times are still available on that day:",
    takenNone: "No other time is available on that day. Please choose another day.",
  },

  details: {
    title: "Your details",
    lead: "We will send the confirmation and the links to join, move or cancel by e-mail.",
  },

  problems: {
    offline: "You seem to be offline",
    offlineText: "Everything you have entered is kept. Check your connection and try again.",
    unreachable: "We cannot reach the booking service",
    unreachableText: "Everything you have entered is kept. Please try again in a moment.",
    limited: "Too many requests from this connection",
    limitedText: { one: "Nothing is lost. Wait {count} second, then try again.", other: "Nothing is lost. Wait {count} seconds, then try again." },
    busy: "Many people are booking right now",
    busyText: "Nothing is lost. Please wait a moment.",
    gone: "This is no longer offered",
    goneText: "Please go back and choose again.",
    deadToken: "This link no longer works",
    deadTokenText:
      "The appointment was moved or canceled, or is over. If you have moved it, use the link in the newest e-mail.",
    unknown: "We do not know whether it went through",
    unknownText: "The response got lost on the way. Please look for a new e-mail first.",
    checkText: "You can safely check again: it will not be done twice.",
    checkAgain: "Check again",
    anew: "No e-mail came: do it again",
    failed: "That did not work",
    failedText: "The fault is on our side. Please try again in a moment.",
    refused: "That was not accepted",
    refusedText: "Please check what you have entered, or choose another time.",
    reference: "Reference for our support: {id}",
  },
};
