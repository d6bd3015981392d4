import { z } from 'zod';
import { seconds, size } from './values.ts';

// How long an upstream is waited for. Whoever waits here is told to wait meanwhile, so patience costs little but places.

const HOUR = 3600;
const DAY = 24 * HOUR;

export const timeouts = z
  .strictObject({
    connect: seconds(1, HOUR).default(10).describe('Seconds to connect, with TLS and a proxy’s tunnel.'),
    first_byte: seconds(1, HOUR)
      .default(30)
      .describe('Seconds from asking for a page, a list or metadata to the first byte of the answer.'),
    file_first_byte: seconds(1, HOUR)
      .default(60)
      .describe('The same of a file: upstream may be a mirror that fetches it first.'),
    silence: seconds(1, HOUR).default(60).describe('Seconds between two parts of a page, a list or metadata.'),
    file_silence: seconds(1, HOUR)
      .default(20)
      .describe(
        'The same of a file: then it goes on over a new connection, and is refused when three times as long brought nothing.',
      ),
    slowest: size
      .prefault('1 KiB')
      .describe('Bytes a second that an answer must bring on average, over each slowest_over; 0 for no such limit.'),
    slowest_over: seconds(1, HOUR).default(60).describe('Seconds over which that average is taken.'),
    page: seconds(1, DAY)
      .default(900)
      .describe('Seconds that a page, a list or metadata may take in all, with waiting for a place and trying again.'),
    file: seconds(1, 30 * DAY)
      .default(DAY)
      .describe('Seconds that one connection may take for a file; the next goes on where it stopped.'),
    retry_after: seconds(1, DAY)
      .default(60)
      .describe(
        'Seconds for which a host that answers 429 or 503 may ask not to be asked again (Retry-After), at most.',
      ),
    retry_after_unheld: seconds(1, DAY)
      .default(10)
      .describe('The same of a page that answers 503, where nothing older is held that can stand in for it.'),
    retry_after_wait: seconds(0, HOUR)
      .default(5)
      .describe('Seconds that a request waits for that to be over; where it is longer, the answer is 503 at once.'),
    retry_after_sent: seconds(1, HOUR)
      .default(5)
      .describe(
        'Seconds that a client is asked to wait before it comes again, at most: pip sleeps as long as it is told.',
      ),
  })
  .prefault({});
