import type { Instant } from '../bytes/instant.ts';

/** Less than so many seconds ago. A clock that went back makes nothing recent. */
export function isRecent(at: Instant, seconds: number, now: Instant): boolean {
  return now >= at && now - at < seconds;
}
