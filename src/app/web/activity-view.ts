import type { Instant } from '../../bytes/instant.ts';
import type { TrafficHour } from '../../disk/records/traffic-record.ts';
import type { ActivityView, StepView } from '../../web/activity.ts';

const HOUR = 3600;

/** So many steps of so many hours, up to now, of what is on record. */
export function activityView(
  hours: readonly TrafficHour[],
  now: Instant,
  { steps: count, hours: size }: { readonly steps: number; readonly hours: number },
): ActivityView {
  const step = size * HOUR;
  const last = now - (now % step);
  const steps = Array.from({ length: count }, (_, at): StepView => {
    const from = last - (count - 1 - at) * step;
    const sum = { at: from, here: 0, upstream: 0, answered: 0, failed: 0, refused: 0 };
    for (const each of hours) {
      if (each.at < from || each.at >= from + step) continue;
      sum.here += each.here;
      sum.upstream += each.upstream;
      sum.answered += each.answered;
      sum.failed += each.failed;
      sum.refused += each.refused;
    }
    return sum;
  });
  return { step, steps, since: hours[0]?.at };
}
