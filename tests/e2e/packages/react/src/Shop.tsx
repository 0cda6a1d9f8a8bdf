import { useEffect, useRef, useState } from "react";
import type { VideskBooking } from "videsk-booking";
import "videsk-booking/react";
import { calendarFile, VideskProxy } from "videsk-proxy-client";

const proxy: string = import.meta.env.VITE_PROXY;
const videsk = new VideskProxy(proxy);

export function Shop() {
  const element = useRef<VideskBooking>(null);
  const [services, setServices] = useState(0);
  const [file, setFile] = useState("");

  useEffect(() => void videsk.services().then((all) => setServices(all.length)), []);

  return (
    <>
      <h1>A shop with {services} services</h1>
      <videsk-booking
        ref={element}
        proxy={proxy}
        segment={import.meta.env.VITE_SEGMENT}
        first-day={1}
        prefill={{ name: "Ana" }}
        className="booking"
        onvidesk-slot-selected={({ detail }) => console.log(detail.startAt)}
        onvidesk-booked={({ detail }) => setFile(calendarFile(detail.booking))}
      >
        <p slot="footer">Free of charge</p>
      </videsk-booking>
      <button onClick={() => element.current?.reload()}>Start again</button>
      <pre>{file}</pre>
    </>
  );
}

export function Mistakes() {
  return (
    <>
      {/* @ts-expect-error no such theme */}
      <videsk-booking theme="blue" />
      {/* @ts-expect-error no such attribute */}
      <videsk-booking zone="UTC" />
      {/* @ts-expect-error that event has no booking */}
      <videsk-booking onvidesk-error={({ detail }) => detail.booking} />
    </>
  );
}
