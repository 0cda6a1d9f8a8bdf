"""The initial data: services, agents and form fields of a bank in Chile.

The ids of the first service and of its agents are those of the example in
https://docs.videsk.io/es-developers/api-publica/calendario.
"""

from zoneinfo import ZoneInfo

from sandbox.form import ESSENTIAL, Field
from sandbox.schedule import Agent, Service, Shift

_SANTIAGO = ZoneInfo("America/Santiago")
_MADRID = ZoneInfo("Europe/Madrid")
_KOLKATA = ZoneInfo("Asia/Kolkata")
_BOGOTA = ZoneInfo("America/Bogota")

_WORKDAYS = range(5)
_WITH_LUNCH = (Shift(_WORKDAYS, 9 * 60, 13 * 60), Shift(_WORKDAYS, 14 * 60, 18 * 60))
_EARLY = (Shift(_WORKDAYS, 8 * 60, 12 * 60), Shift(_WORKDAYS, 13 * 60, 16 * 60 + 30))
_SIX_DAYS = (*_WITH_LUNCH, Shift((5,), 10 * 60, 13 * 60))
_HALF_AN_HOUR_A_WEEK = (Shift((3,), 10 * 60, 10 * 60 + 30),)
_ALWAYS = (Shift(range(7), 0, 24 * 60),)

_JUAN = Agent("63bdbf3230013a2792550a1c", "Juan", "Rivera", _SANTIAGO, _WITH_LUNCH)
_MARCOS = Agent("63bdbf3b25ab497401602d07", "Marcos", "Fuentes", _SANTIAGO, _WITH_LUNCH)
_CAMILA = Agent("63bdbf3b25ab497401602d08", "Camila", "Rojas", _SANTIAGO, _SIX_DAYS)
_TOMAS = Agent("63bdbf3b25ab497401602d09", "Tomás", "Silva", _SANTIAGO, _EARLY)
_VALENTINA = Agent("63bdbf3b25ab497401602d0a", "Valentina", "Soto", _SANTIAGO, _HALF_AN_HOUR_A_WEEK)
_LUCIA = Agent("63bdbf3b25ab497401602d0b", "Lucía", "Fernández", _MADRID, _WITH_LUNCH)
_PABLO = Agent("63bdbf3b25ab497401602d0c", "Pablo", "Ortega", _MADRID, _SIX_DAYS)
_ELENA = Agent("63bdbf3b25ab497401602d0d", "Elena", "Ruiz", _MADRID, _EARLY)
_PRIYA = Agent("63bdbf3b25ab497401602d0e", "Priya", "Nair", _KOLKATA, _WITH_LUNCH)
_ARJUN = Agent("63bdbf3b25ab497401602d0f", "Arjun", "Mehta", _KOLKATA, _EARLY)
_SOFIA = Agent("63bdbf3b25ab497401602d10", "Sofía", "Herrera", _BOGOTA, _WITH_LUNCH)
_ANDRES = Agent("63bdbf3b25ab497401602d11", "Andrés", "Gómez", _BOGOTA, _SIX_DAYS)
_DIEGO = Agent("63bdbf3b25ab497401602d12", "Diego", "Vargas", _BOGOTA, _WITH_LUNCH)
_NOOR = Agent("63bdbf3b25ab497401602d13", "Noor", "Haddad", ZoneInfo("UTC"), _ALWAYS)
_OLGA = Agent("63bdbf3b25ab497401602d14", "Olga", "Petrova", ZoneInfo("UTC"), _ALWAYS)

SERVICES = (
    Service(
        "63bdbf49394aad976d4aa43b",
        "Asesoría hipotecaria",
        "Compara créditos y aclara tus dudas con un ejecutivo",
        automatic=False,
        minutes=15,
        agents=(_JUAN, _MARCOS),
    ),
    Service(
        "63bdbf49394aad976d4aa43c",
        "Asesoría de inversiones",
        "Revisa tu cartera con un especialista",
        automatic=False,
        minutes=30,
        agents=(_MARCOS, _CAMILA),
    ),
    Service(
        "63bdbf49394aad976d4aa43d",
        "Soporte técnico",
        "Resolvemos problemas con la app en una videollamada",
        automatic=True,
        minutes=20,
        agents=(_SOFIA, _ANDRES),
    ),
    Service(
        "63bdbf49394aad976d4aa43e",
        "Activación de banca en línea",
        "Configura tu cuenta junto a un especialista",
        automatic=False,
        minutes=45,
        agents=(_PRIYA, _ARJUN),
    ),
    Service(
        "63bdbf49394aad976d4aa43f",
        "Cuentas para empresas",
        "Conoce los planes en media hora",
        automatic=True,
        minutes=30,
        agents=(_LUCIA, _PABLO),
    ),
    Service(
        "63bdbf49394aad976d4aa440",
        "Apertura de cuenta",
        "Ten a mano tu documento de identidad",
        automatic=False,
        minutes=15,
        agents=(_CAMILA,),
    ),
    Service(
        "63bdbf49394aad976d4aa441",
        "Firma de contrato",
        "Firma en línea acompañado por un ejecutivo",
        automatic=False,
        minutes=20,
        agents=(_PABLO,),
    ),
    Service(
        "63bdbf49394aad976d4aa442",
        "Cargos no reconocidos",
        "Cuéntanos qué pasó con tu compra",
        automatic=True,
        minutes=10,
        agents=(_ANDRES,),
    ),
    Service(
        "63bdbf49394aad976d4aa443",
        "Seguro de salud",
        "Revisa tu cobertura y tus reembolsos",
        automatic=False,
        minutes=20,
        agents=(_ELENA,),
    ),
    Service(
        "63bdbf49394aad976d4aa444",
        "Crédito universitario",
        "Elige cómo financiar tus estudios",
        automatic=False,
        minutes=30,
        agents=(_DIEGO,),
    ),
    # One slot a week, so that days can be booked up.
    Service(
        "63bdbf49394aad976d4aa445",
        "Herencias y poderes",
        "Media hora con nuestra abogada, solo los jueves",
        automatic=False,
        minutes=30,
        agents=(_VALENTINA,),
    ),
    Service(
        "63bdbf49394aad976d4aa446",
        "Tarjetas y pagos",
        "Cupos, pagos y comisiones",
        automatic=True,
        minutes=10,
        agents=(_ARJUN, _PRIYA),
    ),
    Service(
        "63bdbf49394aad976d4aa447",
        "Renovación de póliza",
        "Compara y renueva tu seguro",
        automatic=False,
        minutes=20,
        agents=(_TOMAS,),
    ),
    # Always open, so that the next slot always starts within five minutes.
    Service(
        "63bdbf49394aad976d4aa4ff",
        "Atención inmediata",
        "Te atendemos en los próximos minutos",
        automatic=True,
        minutes=5,
        agents=(_NOOR, _OLGA),
    ),
)

EMAIL_FIELD = "60dbe3416af0be33b8b372b2"

_CONTACT_FIELDS = (
    Field(
        "60dbe3416af0be33b8b372b1",
        "text",
        "name",
        "Nombre",
        required=True,
        placeholder="Ana Pérez",
        limits={"maxlength": 50},
    ),
    Field(
        EMAIL_FIELD,
        "email",
        "email",
        "Correo electrónico",
        required=True,
        placeholder="ana@example.com",
        limits={"maxlength": 254},
    ),
    Field("60dbe3416af0be33b8b372b3", "phone", "phone", "Teléfono", placeholder="+56 9 1234 5678"),
    Field(ESSENTIAL, "text", ESSENTIAL, ""),
)

FORM_FIELDS = (
    *_CONTACT_FIELDS,
    Field(
        "60dbe3416af0be33b8b372b4",
        "multiple",
        "topics",
        "Temas",
        options=("ventas", "soporte", "otro"),
        hint="Puedes elegir varios",
    ),
    Field(
        "60dbe3416af0be33b8b372b5", "number", "people", "Asistentes", limits={"min": 1, "max": 10}
    ),
    Field("60dbe3416af0be33b8b372b6", "checkbox", "terms", "Acepto los términos"),
)

# Forms to render, by segment and version.
FORMS = {"63bdbf49394aad976d4aa5aa": {"base": FORM_FIELDS, "contact": _CONTACT_FIELDS}}

# Cloudflare's public test key for Turnstile, which always passes.
CAPTCHA = {
    "siteKey": "1x00000000000000000000AA",
    "resource": "https://challenges.cloudflare.com/turnstile/v0/api.js",
    "provider": "turnstile",
}
