/** The texts of the form and of what follows, in English. */

export const en = {
  details: {
    optional: "(optional)",
    chooseOne: "Please choose",
    submit: "Book appointment",
    sending: "Booking…",
    required: "Please fill this in.",
    mustTick: "Please tick this to continue.",
    mustChoose: "Please choose at least one.",
    email: "Please enter an e-mail address, such as ana@example.com.",
    number: "Please enter a number.",
    least: "Please enter {least} or more.",
    most: "Please enter {most} or less.",
    tooLong: "Please enter {most} characters at most.",
    refused: "This was not accepted. Please check it.",
  },

  booked: {
    title: "Your appointment is booked",
    moved: "Your appointment has been moved",
    lead: "The confirmation is on its way to {email}.",
    calendar: "Add to your calendar",
    ics: "Calendar file (.ics)",
    google: "Google Calendar",
    outlook: "Outlook",
    modify: "Reschedule or cancel",
    join: "Join the appointment",
    joinWhen: "The link works from 5 minutes before the appointment.",
    another: "Book another appointment",
    joinAt: "Join: {address}",
  },

  modify: {
    title: "Your appointment",
    unknown:
      "This browser does not know the appointment’s details: they are in your e-mail. You can still move or cancel it here.",
    reschedule: "Reschedule",
    cancel: "Cancel appointment",
    whichService: "Which service is it for?",
    whichServiceLead: "It is in your e-mail. We need it to show the available times.",
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
    left: { one: "{count} character left", other: "{count} characters left" },
    keep: "Keep appointment",
    cancelling: "Canceling…",
    cancelled: "Your appointment is canceled",
    cancelledLead: "{service}: the time is available to others again.",
  },

  join: {
    title: "Your appointment",
    early: "It is not time yet",
    earlyText:
      "Your appointment opens here 5 minutes before it begins. If you have moved it, use the link in the newest e-mail.",
    open: "It is time: your appointment is open.",
    checkAgain: "Check again",
  },
};
