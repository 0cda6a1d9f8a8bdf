/** Os textos até o calendário em português do Brasil, com os mesmos nomes que em en.ts. */

export const pt = {
  timesIn: "Horários no seu fuso horário: {zone}",
  changeZone: "Mudar fuso horário",
  language: "Idioma",
  close: "Fechar",
  back: "Voltar",
  tryAgain: "Tentar novamente",
  tryAgainIn: "Tentar novamente em {seconds} s",
  loading: "Carregando…",

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
    soonestNone: "Não há horários disponíveis nos próximos três meses.",
    soonestFailed: "Não foi possível carregá-los. Escolha um dia abaixo.",
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
    morning: "Manhã",
    afternoon: "Tarde",
    evening: "Noite",
    freeHours: { one: "{count} horário disponível", other: "{count} horários disponíveis" },
    noHours: "Não há mais horários neste dia. Escolha outro dia.",
    taken: "O horário {time} acabou de ser ocupado. Nada foi agendado.",
    takenByUs:
      "O horário {time} está ocupado, talvez pela sua primeira tentativa. Procure um e-mail de confirmação antes de agendar outro.",
    goneHour: "ocupado",
    another: "Escolher outro horário",
    takenFree: "Estes horários ainda estão disponíveis nesse dia:",
    takenNone: "Não há outro horário disponível nesse dia. Escolha outro dia.",
  },

  details: {
    title: "Seus dados",
    lead: "Enviaremos por e-mail a confirmação e os links para entrar, remarcar ou cancelar.",
  },

  problems: {
    offline: "Parece que você está sem conexão",
    offlineText: "Tudo o que você preencheu foi mantido. Verifique sua conexão e tente novamente.",
    unreachable: "Não conseguimos acessar o serviço de agendamento",
    unreachableText: "Tudo o que você preencheu foi mantido. Tente novamente em instantes.",
    limited: "Muitas solicitações desta conexão",
    limitedText: {
      one: "Nada se perdeu. Espere {count} segundo e tente novamente.",
      other: "Nada se perdeu. Espere {count} segundos e tente novamente.",
    },
    busy: "Muitas pessoas estão agendando agora",
    busyText: "Nada se perdeu. Espere um momento.",
    gone: "Isto não é mais oferecido",
    goneText: "Volte e escolha novamente.",
    deadToken: "Este link não funciona mais",
    deadTokenText:
      "O atendimento foi remarcado, cancelado ou já terminou. Se você o remarcou, use o link do e-mail mais recente.",
    unknown: "Não sabemos se deu certo",
    unknownText: "A resposta se perdeu no caminho. Primeiro procure um novo e-mail.",
    checkText: "Você pode verificar novamente sem risco: nada será feito duas vezes.",
    checkAgain: "Verificar novamente",
    anew: "Não chegou nenhum e-mail: tentar de novo",
    failed: "Não funcionou",
    failedText: "O problema é nosso. Tente novamente em instantes.",
    refused: "Os dados não foram aceitos",
    refusedText: "Verifique o que você preencheu ou escolha outro horário.",
    reference: "Referência para o nosso suporte: {id}",
  },
};
