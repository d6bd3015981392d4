// Everything a client could make large or long has its limit here.

/** Characters of a request target; node itself stops at MAX_HEADER_BYTES. */
export const MAX_TARGET = 8192;
/** Bytes of a request's headers together (431 past it). */
export const MAX_HEADER_BYTES = 16_384;
/** Header lines of a request (the rest are not read). */
export const MAX_HEADERS = 100;
/** Bytes of a request body that is read away so that the connection lives on; past it the connection ends. */
export const MAX_IGNORED_BODY = 65_536;
/** Requests that are begun in one turn of the event loop, besides those that memory answers: of a herd that comes at once the others wait for the next, and whoever asks whether the process lives does not wait for all of them. */
export const REQUESTS_A_TURN = 64;
/** Bytes of a request body that is read whole: a thousand questions about advisories have some 100 KB. */
export const MAX_ASKED_BODY = 1024 * 1024;
/** How long such a body may take to come. */
export const ASKED_BODY_MS = 10_000;
/** Characters of a refusal's own words that are passed on in a problem. */
export const MAX_WORDS = 600;
/** Characters of a `Forwarded` header that is read; of one hop in that or `X-Forwarded-For`; and hops that are walked back. */
export const MAX_FORWARDED = 4096;
export const MAX_NODE = 120;
export const MAX_HOPS = 32;
/** Characters of a path in an access record. */
export const MAX_RECORDED_PATH = 512;

/** Seconds a client may keep a page before it asks again (pip keeps a page no longer than ten minutes, whatever it is told). */
export const PAGE_MAX_AGE = 600;
/** Seconds a client may believe that a project does not exist. */
export const ABSENT_MAX_AGE = 60;

/** Seconds that a client is asked to wait before it comes again, at most: pip sleeps as long as it is told. */
export const LONGEST_RETRY_AFTER = 5;

/** Seconds a client may keep what nothing vouches for, at most. */
export const RELAYED_MAX_AGE = 600;

/** Seconds after which whoever asks whether this mirror is ready is to ask again, where it is not. */
export const SECONDS_UNTIL_READY = 5;

/** pip gives up after 15 silent seconds; an interim answer starts its clock again. */
export const CONTINUE_EVERY_MS = 5000;

/** Bytes of a plain body that is made whole for one answer; a larger one is made as the client takes it. */
export const MADE_WHOLE = 4 * 1024 * 1024;

/** Pairs of Accept and Accept-Encoding whose outcome is remembered; real clients send about twenty. */
export const MAX_NEGOTIATIONS = 512;
/** Characters of such a pair; longer ones are worked out each time. */
export const MAX_REMEMBERED_HEADER = 512;

/** Characters of an Authorization header that is looked at; npm-style JWTs as tokens fit. */
export const MAX_AUTHORIZATION = 4096;
export const MAX_PASSWORD = 1024;
/** Lines of a file of users or tokens. */
export const MAX_ACCESS_LINES = 10_000;
/** Of bcrypt, each step doubles what a check takes: at 15 some two seconds of CPU. */
export const MAX_BCRYPT_COST = 15;
/** Memory that checking one password may take. */
export const MAX_SCRYPT_BYTES = 64 * 1024 * 1024;
/** A credential found good is not looked at again for so long; a bad one is refused unseen for a little. */
export const GRANTED_FOR_MS = 300_000;
export const REFUSED_FOR_MS = 10_000;
/** One that was found good is looked at before others for so long, whatever came since. */
export const KNOWN_FOR_MS = 30 * 24 * 3_600_000;
export const MAX_KNOWN = 16_384;
/** An address that sent wrong ones comes after those that did not, for so long after the last one … */
export const FAILED_FOR_MS = 10 * 60_000;
export const MAX_FAILED = 4096;
/** … and is told so later each time, up to the most. */
export const FAILED_PAUSE_MS = 100;
export const MAX_FAILED_PAUSE_MS = 2000;
export const MAX_REMEMBERED_GRANTS = 4096;
export const MAX_REMEMBERED_REFUSALS = 1024;

/** A client has this long to send its headers, and its whole request. */
export const HEADERS_TIMEOUT_MS = 10_000;
export const REQUEST_TIMEOUT_MS = 30_000;
/** How often node looks for clients past those two. */
export const CHECK_EVERY_MS = 5000;
/** Longer than the idle time of common load balancers, so that they and not we end an idle connection. */
export const KEEP_ALIVE_MS = 65_000;
/** A connection on which nothing moves either way: a reader that stalls. `requestTimeout` does not cut those. */
export const STALLED_MS = 60_000;
/**
 * A part of a file that a client has not taken within this time, and as much longer as its size takes at the rate below,
 * ends its connection, though a few bytes move now and then. The system tells that there is room again only when a third
 * of what it holds has gone, up to 2 MB by itself.
 */
export const SLOWEST_PART_MS = 40_000;
/** A page or document, which is handed over whole, may take as long as its size at this rate. Bytes a second. */
export const SLOWEST_READER = 32 * 1024;
/** Requests of one connection that may wait for their turn behind the one that is being answered; one more ends it. */
export const MAX_PIPELINED = 100;
export const MAX_REQUESTS_PER_SOCKET = 1000;
export const MAX_CONNECTIONS = 4096;
/** Of those, what is kept for addresses that have few; and how many are few. Shares. */
export const KEPT_SHARE = 1 / 16;
export const EACH_KEPT_SHARE = 1 / 64;
/** Refused connections that are told why at once, in all and of one address; further ones are only closed. */
export const MAX_TOLD = 64;
export const MAX_TOLD_EACH = 8;
/** Where room is made: addresses that are looked at, and connections of each. */
export const MAX_PARTIES_LOOKED_AT = 4;
export const MAX_CONNECTIONS_LOOKED_AT = 256;
/** How long answers under way may take once the server is told to stop. */
export const GRACE_MS = 30_000;
/** How often idle connections are looked for while it stops. */
export const DRAIN_EVERY_MS = 100;
/**
 * Connections that the system accepts before this program does. Where more come, it lets their first packets fall, and who sent those comes again after a second,
 * then three, seven and so on: a probe of liveness among them.
 */
export const MAX_WAITING_CONNECTIONS = 4096;
