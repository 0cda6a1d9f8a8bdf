/** Os textos do formulário e do que vem depois, em português do Brasil. */

export const pt = {
  details: {
    optional: "(opcional)",
    chooseOne: "Escolha uma opção",
    submit: "Agendar",
    sending: "Agendando…",
    required: "Preencha este campo.",
    mustTick: "Marque esta caixa para continuar.",
    mustChoose: "Escolha pelo menos uma opção.",
    email: "Digite um e-mail válido, por exemplo ana@example.com.",
    number: "Digite um número.",
    least: "Digite {least} ou mais.",
    most: "Digite {most} ou menos.",
    tooLong: "Digite no máximo {most} caracteres.",
    refused: "Este dado não foi aceito. Verifique-o.",
  },

  booked: {
    title: "Seu atendimento está agendado",
    moved: "Seu atendimento foi remarcado",
    lead: "Enviamos a confirmação para {email}.",
    calendar: "Adicione ao seu calendário",
    ics: "Arquivo de calendário (.ics)",
    google: "Google Agenda",
    outlook: "Outlook",
    modify: "Remarcar ou cancelar",
    join: "Entrar no atendimento",
    joinWhen: "O link funciona a partir de 5 minutos antes.",
    another: "Agendar outro atendimento",
    joinAt: "Entrar: {address}",
  },

  modify: {
    title: "Seu atendimento",
    unknown:
      "Este navegador não tem os detalhes do atendimento: eles estão no seu e-mail. Mesmo assim, você pode remarcá-lo ou cancelá-lo aqui.",
    reschedule: "Remarcar",
    cancel: "Cancelar atendimento",
    whichService: "De qual serviço é o atendimento?",
    whichServiceLead: "Está no seu e-mail. Precisamos dele para mostrar os horários disponíveis.",
    whichAgent: "Com quem é o atendimento?",
    newTime: "Escolha um novo horário",
    newTimeLead: "O anterior continua seu até você confirmar.",
    confirm: "Remarcar o atendimento?",
    confirmLead: "Você receberá um novo e-mail, e os links do anterior deixarão de funcionar.",
    move: "Remarcar atendimento",
    moving: "Remarcando…",
    reallyCancel: "Cancelar este atendimento?",
    cannotUndo: "O horário ficará disponível para outras pessoas. Isso não pode ser desfeito.",
    reason: "Motivo",
    left: { one: "Resta {count} caractere", other: "Restam {count} caracteres" },
    keep: "Manter atendimento",
    cancelling: "Cancelando…",
    cancelled: "Seu atendimento foi cancelado",
    cancelledLead: "{service}: o horário está disponível novamente.",
  },

  join: {
    title: "Seu atendimento",
    early: "Ainda não é a hora",
    earlyText:
      "Seu atendimento abre aqui 5 minutos antes de começar. Se você o remarcou, use o link do e-mail mais recente.",
    open: "É a hora: seu atendimento está aberto.",
    checkAgain: "Verificar novamente",
  },
};
