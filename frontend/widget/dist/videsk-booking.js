import"./chunk-AGF2YZQB.js";
//# sourceMappingURL=videsk-booking.js.map
