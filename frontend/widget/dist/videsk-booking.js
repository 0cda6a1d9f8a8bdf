import"./chunk-BJ64ACZH.js";
//# sourceMappingURL=videsk-booking.js.map
