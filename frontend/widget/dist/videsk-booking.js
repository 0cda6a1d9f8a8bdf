import"./chunk-MQMVPGCC.js";
//# sourceMappingURL=videsk-booking.js.map
