/** Los textos hasta el calendario en español, con los mismos nombres que en en.ts. */

export const es = {
  timesIn: "Horarios en tu zona horaria: {zone}",
  changeZone: "Cambiar zona horaria",
  language: "Idioma",
  close: "Cerrar",
  back: "Volver",
  loading: "Cargando…",
  reload: "Recargar",
  notLoaded: "No se pudo cargar esta parte. Recarga la página.",

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
    previousMonth: "Mes anterior",
    nextMonth: "Mes siguiente",
    loadingDays: "Buscando días disponibles…",
    noneIn: "No quedan días disponibles en {month}.",
    lookIn: "Ver {month}",
    freeDays: { one: "{count} día con horas disponibles en {month}", other: "{count} días con horas disponibles en {month}" },
    notFree: "sin horas disponibles",
    pickDay: "Elige uno de los días destacados para ver sus horas.",
  },
};
