import"./chunk-O73TUIPT.js";
//# sourceMappingURL=videsk-booking.js.map
