/** Los textos hasta el calendario en español, con los mismos nombres que en en.ts. */

export const es = {
  timesIn: "Horarios en tu zona horaria: {zone}",
  changeZone: "Cambiar zona horaria",
  language: "Idioma",
  close: "Cerrar",
  back: "Volver",
  tryAgain: "Reintentar",
  tryAgainIn: "Reintentar en {seconds} s",
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
    lead: "Cada persona tiene sus propias horas disponibles.",
  },

  time: {
    title: "¿Cuándo te acomoda?",
    lead: "Elige un día y luego una hora.",
    soonest: "Lo antes posible",
    soonestNone: "No quedan horas disponibles en los próximos tres meses.",
    soonestFailed: "No se pudieron cargar. Elige un día más abajo.",
    previousMonth: "Mes anterior",
    nextMonth: "Mes siguiente",
    loadingDays: "Buscando días disponibles…",
    noneIn: "No quedan días disponibles en {month}.",
    lookIn: "Ver {month}",
    freeDays: { one: "{count} día con horas disponibles en {month}", other: "{count} días con horas disponibles en {month}" },
    notFree: "sin horas disponibles",
    pickDay: "Elige uno de los días destacados para ver sus horas.",
    morning: "Mañana",
    afternoon: "Tarde",
    evening: "Noche",
    freeHours: { one: "{count} hora disponible", other: "{count} horas disponibles" },
    noHours: "No quedan horas disponibles este día. Elige otro.",
    taken: "La hora {time} se acaba de ocupar. No se ha reservado nada.",
    takenByUs: "La hora {time} está ocupada, quizás por tu primer intento. Busca un correo de confirmación antes de reservar otra.",
    goneHour: "ocupada",
    another: "Elegir otra hora",
    takenFree: "Ese día aún quedan disponibles estas horas:",
    takenNone: "Ese día no quedan más horas disponibles. Elige otro.",
  },

  details: {
    title: "Tus datos",
    lead: "Te enviaremos por correo la confirmación y los enlaces para unirte a la cita, cambiarla o cancelarla.",
  },

  problems: {
    offline: "Parece que no tienes conexión",
    offlineText: "Lo que elegiste y escribiste se conserva. Revisa tu conexión y reintenta.",
    unreachable: "No pudimos conectarnos al servicio de reservas",
    unreachableText: "Lo que elegiste y escribiste se conserva. Reintenta en un momento.",
    limited: "Demasiadas solicitudes desde esta conexión",
    limitedText: { one: "No se pierde nada. Espera {count} segundo y reintenta.", other: "No se pierde nada. Espera {count} segundos y reintenta." },
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
    reference: "Referencia para nuestro soporte: {id}",
  },
};
