/** An appointment as a file for the customer's calendar: iCalendar, https://www.rfc-editor.org/rfc/rfc5545. */
import type { Booking } from "./types.js";
export interface CalendarOptions {
    /**
     * Identifies the appointment in the calendar: a file with the same `uid` replaces the entry. By default, it is made of the
     * booking's access token. A rescheduled booking has another token, so pass `calendarUid` of the first booking.
     */
    uid?: string | undefined;
    /** How often the appointment has been changed: 0 by default, or 1 if it is canceled. Calendars ignore files with a lower one. */
    sequence?: number | undefined;
    /** Whether the file removes the appointment from the calendar. */
    canceled?: boolean | undefined;
    /** The service's title by default. */
    title?: string | undefined;
    /** The address of the meeting by default. */
    description?: string | undefined;
}
/** Return the UID that the entry of a booking has by default. */
export declare function calendarUid({ accessToken }: Pick<Booking, "accessToken">): string;
/** Return the text of an `.ics` file (`text/calendar`) for a booking. */
export declare function calendarFile(booking: Pick<Booking, "service" | "startAt" | "endAt" | "joinURL" | "accessToken">, { uid, canceled, sequence, title, description }?: CalendarOptions): string;
/** Return an instant as 20261201T120000Z. */
export declare function basicInstant(instant: string | number): string;
