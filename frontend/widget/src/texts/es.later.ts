/** Los textos del formulario y de lo que sigue, en español. */

export const es = {
  details: {
    optional: "(opcional)",
    chooseOne: "Elige una opción",
    submit: "Reservar cita",
    sending: "Reservando…",
    required: "Completa este dato.",
    mustTick: "Marca esta casilla para continuar.",
    mustChoose: "Elige al menos una opción.",
    email: "Escribe un correo válido, por ejemplo ana@example.com.",
    number: "Escribe un número.",
    least: "Escribe {least} o más.",
    most: "Escribe {most} o menos.",
    tooLong: "Escribe como máximo {most} caracteres.",
    refused: "Este dato no fue aceptado. Revísalo.",
  },

  booked: {
    title: "Tu cita está reservada",
    moved: "Tu cita cambió de hora",
    lead: "Te enviamos la confirmación a {email}.",
    calendar: "Agrégala a tu calendario",
    ics: "Archivo de calendario (.ics)",
    google: "Google Calendar",
    outlook: "Outlook",
    modify: "Cambiar o cancelar",
    join: "Unirse a la cita",
    joinWhen: "El enlace para unirte se abre 5 minutos antes.",
    another: "Reservar otra cita",
    joinAt: "Únete aquí: {address}",
  },

  modify: {
    title: "Tu cita",
    unknown:
      "Este navegador no tiene los detalles de la cita: están en tu correo. Aun así puedes cambiarla o cancelarla aquí.",
    reschedule: "Cambiar la hora",
    cancel: "Cancelar la cita",
    whichService: "¿De qué servicio es la cita?",
    whichServiceLead: "Aparece en tu correo. Lo necesitamos para mostrarte las horas disponibles.",
    whichAgent: "¿Con quién es la cita?",
    newTime: "Elige un nuevo horario",
    newTimeLead: "Conservas el anterior hasta que confirmes.",
    confirm: "¿Cambiar tu cita?",
    confirmLead: "Recibirás un nuevo correo y los enlaces del anterior dejarán de funcionar.",
    move: "Cambiar la cita",
    moving: "Cambiando…",
    reallyCancel: "¿Cancelar esta cita?",
    cannotUndo: "La hora quedará libre para otras personas. No se puede deshacer.",
    reason: "Motivo",
    left: { one: "Queda {count} carácter", other: "Quedan {count} caracteres" },
    keep: "Conservar la cita",
    cancelling: "Cancelando…",
    cancelled: "Tu cita está cancelada",
    cancelledLead: "{service}: la hora volvió a quedar libre.",
  },

  join: {
    title: "Tu cita",
    early: "Todavía no es la hora",
    earlyText:
      "Tu cita se abre aquí 5 minutos antes de comenzar. Si la cambiaste, usa el enlace del correo más reciente.",
    open: "Es la hora: tu cita está abierta.",
    checkAgain: "Volver a comprobar",
  },
};
