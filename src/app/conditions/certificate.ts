import { X509Certificate } from 'node:crypto';
import { type Instant, instantText, untilText } from '../../bytes/instant.ts';
import type { Certificate } from '../../http/server.ts';
import type { Condition } from '../../ports/conditions.ts';

/** When a certificate holds, with all that it needs to be believed. */
export interface Validity {
  readonly from: Instant;
  readonly to: Instant;
}

const PEM = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;
/** Of its time, what is left when a certificate that lives for days is renewed at the latest. */
const LAST_PART = 1 / 5;
const DAY = 86_400;

/** The time in which all certificates of a chain hold. Undefined where none can be read. */
export function validityOf({ cert }: Pick<Certificate, 'cert'>): Validity | undefined {
  const chain = cert.toString().match(PEM) ?? [];
  let validity: Validity | undefined;
  for (const pem of chain) {
    const one = readable(pem);
    if (one === undefined) continue;
    const [from, to] = [Date.parse(one.validFrom) / 1000, Date.parse(one.validTo) / 1000];
    validity = { from: Math.max(from, validity?.from ?? from), to: Math.min(to, validity?.to ?? to) };
  }
  return validity;
}

/** Whether it is one is judged where TLS is begun with it. */
function readable(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

/** `warnDays`: of a certificate that lives for long; one for days is told of in the last fifth of its time. */
export function certificateConditions(
  { from, to }: Validity,
  { now, warnDays, file }: { readonly now: Instant; readonly warnDays: number; readonly file: string },
): readonly Condition[] {
  const told = (message: string): readonly Condition[] => [{ what: 'certificate', index: '', thing: file, message }];
  const then = 'Put a new one there and send SIGHUP.';
  if (now < from) return told(`The certificate ${file} (server.tls.cert) does not hold before ${instantText(from)}.`);
  if (now >= to)
    return told(`The certificate ${file} (server.tls.cert) ended ${untilText(to, now)}; clients refuse it. ${then}`);
  if (to - now > Math.min(warnDays * DAY, (to - from) * LAST_PART)) return [];
  return told(`The certificate ${file} (server.tls.cert) ends ${untilText(to, now)}, at ${instantText(to)}. ${then}`);
}
