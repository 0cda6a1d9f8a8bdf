// Todos los textos de la página en español, con los mismos nombres que en texts.en.js.

/** @type {typeof import("./texts.en.js").en} */
export const es = {
  brand: "Citas",
  book: "Reserva una cita",
  otherLanguage: "English",
  timesIn: (zone) => `Horarios en tu zona horaria: ${zone}`,
  back: "Volver",
  tryAgain: "Reintentar",
  tryAgainIn: (seconds) => `Reintentar en ${seconds} s`,
  loading: "Cargando…",

  steps: {
    label: "Avance",
    service: "Servicio",
    agent: "Persona",
    time: "Horario",
    details: "Datos",
  },

  summary: {
    label: "Tu elección",
    service: "Servicio",
    agent: "Con",
    day: "Día",
    time: "Hora",
    zone: "Zona horaria",
  },

  services: {
    title: "¿En qué podemos ayudarte?",
    lead: "Elige un servicio.",
    empty: "Por ahora no hay nada que reservar. Vuelve más tarde.",
  },

  agents: {
    title: "¿Con quién quieres reunirte?",
    lead: "Cada persona tiene sus propias horas libres.",
  },

  time: {
    title: "¿Cuándo te acomoda?",
    lead: "Elige un día y luego una hora.",
    soonest: "Lo antes posible",
    soonestNone: "No quedan horas libres en los próximos tres meses.",
    soonestFailed: "No se pudieron cargar. Elige un día más abajo.",
    previousMonth: "Mes anterior",
    nextMonth: "Mes siguiente",
    loadingDays: "Buscando días libres…",
    noneIn: (month) => `No quedan días libres en ${month}.`,
    lookIn: (month) => `Ver ${month}`,
    freeDays: (count, month) =>
      count === 1 ? `1 día con horas libres en ${month}` : `${count} días con horas libres en ${month}`,
    notFree: "sin horas libres",
    pickDay: "Elige uno de los días destacados para ver sus horas.",
    morning: "Mañana",
    afternoon: "Tarde",
    evening: "Noche",
    freeHours: (count) => (count === 1 ? "1 hora libre" : `${count} horas libres`),
    noHours: "No quedan horas libres este día. Elige otro.",
    taken: (time) => `La hora ${time} se acaba de ocupar. No se ha reservado nada.`,
    takenByUs: (time) =>
      `La hora ${time} está ocupada, quizás por tu primer intento. Busca un correo de confirmación antes de reservar otra.`,
    takenFree: "Ese día aún quedan libres estas horas:",
    takenNone: "Ese día no quedan más horas libres. Elige otro.",
  },

  details: {
    title: "Tus datos",
    lead: "Te enviaremos por correo la confirmación y los enlaces para unirte a la cita, cambiarla o cancelarla.",
    optional: "(opcional)",
    chooseOne: "Elige una opción",
    submit: "Reservar cita",
    sending: "Reservando…",
    required: "Completa este dato.",
    mustTick: "Marca esta casilla para continuar.",
    mustChoose: "Elige al menos una opción.",
    email: "Escribe un correo válido, por ejemplo ana@example.com.",
    number: "Escribe un número.",
    least: (least) => `Escribe ${least} o más.`,
    most: (most) => `Escribe ${most} o menos.`,
    tooLong: (most) => `Escribe como máximo ${most} caracteres.`,
    refused: "Este dato no fue aceptado. Revísalo.",
  },

  booked: {
    title: "Tu cita está reservada",
    moved: "Tu cita cambió de hora",
    lead: (email) => `Te enviamos la confirmación a ${email}.`,
    calendar: "Agrégala a tu calendario",
    ics: "Archivo de calendario (.ics)",
    google: "Google Calendar",
    outlook: "Outlook",
    modify: "Cambiar o cancelar",
    join: "Unirse a la cita",
    joinWhen: "El enlace para unirte se abre 5 minutos antes.",
    another: "Reservar otra cita",
    joinAt: (address) => `Únete aquí: ${address}`,
  },

  modify: {
    title: "Tu cita",
    unknown:
      "Este navegador no tiene los detalles de la cita: están en tu correo. Aun así puedes cambiarla o cancelarla aquí.",
    reschedule: "Cambiar la hora",
    cancel: "Cancelar la cita",
    whichService: "¿De qué servicio es la cita?",
    whichServiceLead: "Aparece en tu correo. Lo necesitamos para mostrarte las horas libres.",
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
    left: (count) => (count === 1 ? "Queda 1 carácter" : `Quedan ${count} caracteres`),
    keep: "Conservar la cita",
    cancelling: "Cancelando…",
    cancelled: "Tu cita está cancelada",
    cancelledLead: (service) => `${service}: la hora volvió a quedar libre.`,
  },

  join: {
    title: "Tu cita",
    early: "Todavía no es la hora",
    earlyText:
      "Tu cita se abre aquí 5 minutos antes de comenzar. Si la cambiaste, usa el enlace del correo más reciente.",
    open: "Es la hora: tu cita está abierta.",
    checkAgain: "Volver a comprobar",
  },

  problems: {
    offline: "Parece que no tienes conexión",
    offlineText: "Lo que elegiste y escribiste se conserva. Revisa tu conexión y reintenta.",
    unreachable: "No pudimos conectarnos al servicio de reservas",
    unreachableText: "Lo que elegiste y escribiste se conserva. Reintenta en un momento.",
    limited: "Demasiadas solicitudes desde esta conexión",
    limitedText: (seconds) =>
      seconds === 1
        ? "No se pierde nada. Espera 1 segundo y reintenta."
        : `No se pierde nada. Espera ${seconds} segundos y reintenta.`,
    busy: "Hay muchas personas reservando",
    busyText: "No se pierde nada. Espera un momento.",
    gone: "Esto ya no está disponible",
    goneText: "Vuelve atrás y elige de nuevo.",
    deadToken: "Este enlace ya no sirve",
    deadTokenText:
      "La cita se cambió, se canceló o ya terminó. Si la cambiaste, usa el enlace del correo más reciente.",
    unknown: "No sabemos si se realizó",
    unknownText: "La respuesta se perdió en el camino. Busca primero un correo nuevo.",
    checkText: "Puedes comprobar de nuevo sin riesgo: nunca se hará dos veces.",
    checkAgain: "Comprobar de nuevo",
    anew: "No llegó ningún correo: intentar otra vez",
    failed: "No resultó",
    failedText: "El problema es nuestro. Reintenta en un momento.",
    refused: "No se aceptaron los datos",
    refusedText: "Revisa lo que escribiste o elige otra hora.",
    reference: (id) => `Referencia para nuestro soporte: ${id}`,
  },
};
