import"./chunk-2EZA6ICT.js";
//# sourceMappingURL=videsk-booking.js.map
