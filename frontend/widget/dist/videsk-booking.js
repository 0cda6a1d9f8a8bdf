import"./chunk-5KUD6AIA.js";
//# sourceMappingURL=videsk-booking.js.map
