import"./chunk-C6ZL7LO7.js";
//# sourceMappingURL=videsk-booking.js.map
