import"./chunk-22CGART2.js";
//# sourceMappingURL=videsk-booking.js.map
