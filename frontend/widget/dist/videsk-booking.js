import"./chunk-ZFGOMLS3.js";
//# sourceMappingURL=videsk-booking.js.map
