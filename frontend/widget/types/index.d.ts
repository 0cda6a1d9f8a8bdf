/** The types of `<videsk-booking>`. `custom-elements.json` describes the same element for editors. */

/** The attributes. Each is also a property: `first-day` is `firstDay`. */
export interface VideskBookingAttributes {
  /** The address of the proxy. By default, the origin of the script, which a bundler changes: always pass it then. */
  proxy?: string | null | undefined;
  /** The id of the segment whose form is shown. Required to book. */
  segment?: string | null | undefined;
  /** The id of the only service to offer. */
  service?: string | null | undefined;
  /** The id of the only agent to offer. */
  user?: string | null | undefined;
  /** Language and region, such as `es-CL`. */
  locale?: string | null | undefined;
  /** An IANA time zone, which the visitor cannot change. */
  timezone?: string | null | undefined;
  /** The first day of the week, from 1 (Monday) to 7. */
  "first-day"?: string | number | null | undefined;
  "hour-cycle"?: "h12" | "h23" | null | undefined;
  /** The page's own `color-scheme` by default. */
  theme?: "light" | "dark" | null | undefined;
  /** `dialog`: show nothing until `open()` is called. */
  mode?: "dialog" | null | undefined;
  /** The page that the links in Videsk's e-mails lead to, or the name of a campaign. */
  referrer?: string | null | undefined;
  /** The site key of the captcha. By default, that of the proxy. */
  "captcha-site-key"?: string | null | undefined;
  /** Values for fields of the form, by their names or ids. As an attribute, JSON. */
  prefill?: string | Record<string, unknown> | null | undefined;
  /** Names of fields that the page's query may fill, separated by spaces. */
  "prefill-query"?: string | null | undefined;
  /** The name of the hour in a `<form>`. */
  name?: string | null | undefined;
}

/** Texts instead of those that are built in. docs/frontend.md describes their structure. */
export interface VideskBookingTexts {
  [name: string]: string | VideskBookingTexts;
}

/** An appointment that was booked or rescheduled. Its tokens give access to it: do not send them to an analytics service. */
export interface Booking {
  email: string;
  /** The service's title. */
  service: string;
  /** An instant in UTC, with milliseconds. */
  startAt: string;
  endAt: string;
  /** In minutes. */
  duration: number;
  timezone: string;
  joinURL: string;
  rescheduleURL: string;
  cancelURL: string;
  accessToken: string;
  actionToken: string;
  message: string;
}

export interface Slot {
  /** An instant in UTC, with milliseconds. */
  startAt: string;
  timezone: string;
  /** The id of the service. */
  service: string;
  /** The id of the agent, unless Videsk assigns one. */
  user?: string | undefined;
}

/** The events, with their `detail`. All bubble out of shadow roots. */
export interface VideskBookingEvents {
  /** The first step is on screen. */
  "videsk-ready": Record<string, never>;
  /** The customer has chosen an hour. */
  "videsk-slot-selected": Slot;
  /** The form is about to be sent. `preventDefault()` stops it. */
  "videsk-booking-submitted": Slot & { form: object[] };
  /** The appointment is booked. */
  "videsk-booked": { booking: Booking };
  /** The appointment is rescheduled. */
  "videsk-rescheduled": { booking: Booking };
  /** The appointment is canceled. `service` is the service's title. */
  "videsk-cancelled": { service: string };
  /** A request has failed. With `outcomeUnknown`, the booking may have been made. */
  "videsk-error": { error: unknown; status: number; outcomeUnknown: boolean };
}

type Camel<Name extends string> = Name extends `${infer Head}-${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : Name;

type Properties = { [Name in keyof VideskBookingAttributes as Camel<Name>]-?: VideskBookingAttributes[Name] };

type EventMap = { [Name in keyof VideskBookingEvents]: CustomEvent<VideskBookingEvents[Name]> };

/** The element. Its properties for attributes return what the attribute contains: a string, or null. */
export interface VideskBooking extends HTMLElement, Properties {
  texts: VideskBookingTexts;
  /** The chosen hour, where the element is a control of a form. */
  readonly value: string | null;
  readonly form: HTMLFormElement | null;
  /** Open the dialog of `mode="dialog"`. */
  open(): void;
  /** Close the dialog. What the customer has entered is kept. */
  close(): void;
  /** Start again, with the current attributes. */
  reload(): void;
  addEventListener<Name extends keyof EventMap>(
    type: Name,
    listener: (this: VideskBooking, event: EventMap[Name]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener<Name extends keyof HTMLElementEventMap>(
    type: Name,
    listener: (this: VideskBooking, event: HTMLElementEventMap[Name]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void;
  removeEventListener<Name extends keyof EventMap>(
    type: Name,
    listener: (this: VideskBooking, event: EventMap[Name]) => unknown,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener<Name extends keyof HTMLElementEventMap>(
    type: Name,
    listener: (this: VideskBooking, event: HTMLElementEventMap[Name]) => unknown,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | EventListenerOptions): void;
}

declare global {
  interface HTMLElementTagNameMap {
    "videsk-booking": VideskBooking;
  }
}
