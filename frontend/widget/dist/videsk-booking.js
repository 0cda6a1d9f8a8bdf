import"./chunk-Z3ZSDEKD.js";
//# sourceMappingURL=videsk-booking.js.map
