/** This program's version; package.json carries the same (test/unit/version.test.ts). */
export const VERSION = '0.1.0';

/** No machine that runs this program can truthfully say it is earlier: the clock's lowest floor. Whole seconds. */
export const BUILT_AT = Date.UTC(2026, 10, 1) / 1000;
