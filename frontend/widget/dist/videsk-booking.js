import"./chunk-5WKNX3YY.js";
//# sourceMappingURL=videsk-booking.js.map
