import"./chunk-UXVXTY27.js";
//# sourceMappingURL=videsk-booking.js.map
