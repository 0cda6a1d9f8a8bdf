/** Os textos até o calendário em português do Brasil, com os mesmos nomes que em en.ts. */

export const pt = {
  timesIn: "Horários no seu fuso horário: {zone}",
  changeZone: "Mudar fuso horário",
  language: "Idioma",
  close: "Fechar",
  back: "Voltar",
  loading: "Carregando…",
  reload: "Recarregar",
  notLoaded: "Não foi possível carregar esta parte. Recarregue a página.",

  steps: {
    label: "Progresso",
    service: "Serviço",
    agent: "Pessoa",
    time: "Horário",
    details: "Dados",
  },

  summary: {
    label: "Sua escolha",
    service: "Serviço",
    agent: "Com",
    day: "Dia",
    time: "Hora",
    zone: "Fuso horário",
  },

  services: {
    title: "Como podemos ajudar você?",
    lead: "Escolha um serviço.",
    empty: "No momento não há nada para agendar. Volte mais tarde.",
  },

  agents: {
    title: "Com quem você quer se reunir?",
    lead: "Cada pessoa tem seus próprios horários disponíveis.",
  },

  time: {
    title: "Quando fica bem para você?",
    lead: "Escolha um dia e depois um horário.",
    soonest: "Próximos horários",
    previousMonth: "Mês anterior",
    nextMonth: "Próximo mês",
    loadingDays: "Procurando dias disponíveis…",
    noneIn: "Não há horários disponíveis em {month}.",
    lookIn: "Ver {month}",
    freeDays: {
      one: "{count} dia com horários disponíveis em {month}",
      other: "{count} dias com horários disponíveis em {month}",
    },
    notFree: "sem horários disponíveis",
    pickDay: "Escolha um dos dias destacados para ver seus horários.",
  },
};
