import"./chunk-KBZD5XHX.js";
//# sourceMappingURL=videsk-booking.js.map
