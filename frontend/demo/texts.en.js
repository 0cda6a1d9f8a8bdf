// Every text of the page in English; texts.es.js has the same names.

export const en = {
  brand: "Appointments",
  book: "Book an appointment",
  otherLanguage: "Español",
  timesIn: (/** @type {string} */ zone) => `Times in your time zone: ${zone}`,
  back: "Back",
  tryAgain: "Try again",
  tryAgainIn: (/** @type {number} */ seconds) => `Try again in ${seconds} s`,
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
    loadingDays: "Looking for free days…",
    noneIn: (/** @type {string} */ month) => `No free day in ${month}.`,
    lookIn: (/** @type {string} */ month) => `Look in ${month}`,
    freeDays: (/** @type {number} */ count, /** @type {string} */ month) =>
      count === 1 ? `1 day with available times in ${month}` : `${count} days with available times in ${month}`,
    notFree: "no available times",
    pickDay: "Choose one of the marked days to see its times.",
    morning: "Morning",
    afternoon: "Afternoon",
    evening: "Evening",
    freeHours: (/** @type {number} */ count) => (count === 1 ? "1 available time" : `${count} available times`),
    noHours: "No times are left on this day. Please choose another day.",
    taken: (/** @type {string} */ time) => `${time} was taken a moment ago. Nothing has been booked.`,
    takenByUs: (/** @type {string} */ time) =>
      `${time} is taken, perhaps by your own first attempt. Look for a confirmation e-mail before you book another time.`,
    takenFree: "These times are still available on that day:",
    takenNone: "No other time is available on that day. Please choose another day.",
  },

  details: {
    title: "Your details",
    lead: "We will send the confirmation and the links to join, move or cancel by e-mail.",
    optional: "(optional)",
    chooseOne: "Please choose",
    submit: "Book appointment",
    sending: "Booking…",
    required: "Please fill this in.",
    mustTick: "Please tick this to continue.",
    mustChoose: "Please choose at least one.",
    email: "Please enter an e-mail address, such as ana@example.com.",
    number: "Please enter a number.",
    least: (/** @type {string} */ least) => `Please enter ${least} or more.`,
    most: (/** @type {string} */ most) => `Please enter ${most} or less.`,
    tooLong: (/** @type {string} */ most) => `Please enter ${most} characters at most.`,
    refused: "This was not accepted. Please check it.",
  },

  booked: {
    title: "Your appointment is booked",
    moved: "Your appointment has been moved",
    lead: (/** @type {string} */ email) => `The confirmation is on its way to ${email}.`,
    calendar: "Add to your calendar",
    ics: "Calendar file (.ics)",
    google: "Google Calendar",
    outlook: "Outlook",
    modify: "Reschedule or cancel",
    join: "Join the appointment",
    joinWhen: "The link works from 5 minutes before the appointment.",
    another: "Book another appointment",
    joinAt: (/** @type {string} */ address) => `Join: ${address}`,
  },

  modify: {
    title: "Your appointment",
    unknown:
      "This browser does not know the appointment’s details: they are in your e-mail. You can still move or cancel it here.",
    reschedule: "Reschedule",
    cancel: "Cancel appointment",
    whichService: "Which service is it for?",
    whichServiceLead: "It is in your e-mail. We need it to show the free hours.",
    whichAgent: "Who is it with?",
    newTime: "Choose a new time",
    newTimeLead: "The old one stays yours until you confirm.",
    confirm: "Move your appointment?",
    confirmLead: "You will get a new e-mail, and the links in the old one stop working.",
    move: "Move appointment",
    moving: "Moving…",
    reallyCancel: "Cancel this appointment?",
    cannotUndo: "The time becomes available to others. This cannot be undone.",
    reason: "Reason",
    left: (/** @type {number} */ count) => (count === 1 ? "1 character left" : `${count} characters left`),
    keep: "Keep appointment",
    cancelling: "Canceling…",
    cancelled: "Your appointment is canceled",
    cancelledLead: (/** @type {string} */ service) => `${service}: the time is available to others again.`,
  },

  join: {
    title: "Your appointment",
    early: "It is not time yet",
    earlyText:
      "Your appointment opens here 5 minutes before it begins. If you have moved it, use the link in the newest e-mail.",
    open: "It is time: your appointment is open.",
    checkAgain: "Check again",
  },

  problems: {
    offline: "You seem to be offline",
    offlineText: "Everything you have entered is kept. Check your connection and try again.",
    unreachable: "We cannot reach the booking service",
    unreachableText: "Everything you have entered is kept. Please try again in a moment.",
    limited: "Too many requests from this connection",
    limitedText: (/** @type {number} */ seconds) =>
      seconds === 1
        ? "Nothing is lost. Wait 1 second, then try again."
        : `Nothing is lost. Wait ${seconds} seconds, then try again.`,
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
    reference: (/** @type {string} */ id) => `Reference for our support: ${id}`,
  },
};
