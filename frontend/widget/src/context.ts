import type { Booking, Kind, Service, VideskProxy } from "../../client/src/index.js";
import type { Clock } from "./clock.js";
import type { Plural, Texts } from "./language.js";

/** What is loaded once the calendar is on screen: the client, the hours of a day, errors. */
export type More = typeof import("./more.js");

/** The events of the element, with their `detail`. All bubble out of shadow roots. */
export interface Events {
  "videsk-ready": Record<string, never>;
  "videsk-slot-selected": { startAt: string; timezone: string; service: string; user?: string | undefined };
  "videsk-booking-submitted": { startAt: string; timezone: string; service: string; user?: string | undefined; form: object[] };
  "videsk-booked": { booking: Booking };
  "videsk-rescheduled": { booking: Booking };
  "videsk-cancelled": { service: string };
  "videsk-error": { error: unknown; status: number; outcomeUnknown: boolean };
}

/** What every part of the widget needs: of one element, until it is restarted. */
export interface Context {
  /** The address of the proxy. */
  readonly proxy: string;
  /** Where the steps are drawn. */
  readonly frame: HTMLElement;
  readonly options: {
    service: string | null;
    user: string | null;
    segment: string | null;
    referrer: string | null;
    siteKey: string | null;
    prefill: Record<string, unknown>;
  };
  /** Names the element's entry in `history.state`. */
  readonly id: string;
  /** Aborted when the element leaves the page or is restarted. */
  readonly signal: AbortSignal;
  /** Whether the element is a control of a form, which takes the hour as its value. */
  readonly picksOnly: boolean;
  readonly mayChangeZone: boolean;
  t: Texts;
  clock: Clock;
  /** Undefined until `loadMore`. */
  more?: More;
  videsk?: VideskProxy;
  loadMore(): Promise<More>;
  /** Request the services before the texts are there. */
  prefetch(): void;
  services(signal: AbortSignal): Promise<Service[]>;
  dates(target: [Kind, string], month: string, signal: AbortSignal): Promise<string[]>;
  byId(id: string): HTMLElement;
  count(forms: Plural, count: number, values?: Record<string, string>): string;
  /** Announce to screen readers what others see happen. */
  announce(text: string): void;
  /** Returns false if the page has prevented it. */
  emit<Name extends keyof Events>(name: Name, detail: Events[Name]): boolean;
  /** Report an error to the page. */
  report(error: unknown): void;
  /** The first step is on screen. */
  ready: () => void;
  setHour(startAt: string): void;
  useZone(zone: string): void;
  restart: () => void;
}
