import type { PageContent, Pin } from '../../src/ports/index-state.ts';
import { digestHex } from '../../src/repository/digests.ts';

const sha256 = (project: string) => digestHex('sha256', Buffer.from(project));

/** What is remembered of a project, all of which its name tells. */
export function pageFor(project: string): PageContent {
  const filename = `${project}-1.0.tar.gz`;
  const files = [{ filename, url: filename, hashes: { sha256: sha256(project) }, yanked: 'broken' }];
  const bytes = Buffer.from(JSON.stringify({ name: project, files, junk: sha256(project).repeat(20) }));
  const times = { fetchedAt: 1000, confirmedAt: 2000 };
  return {
    project,
    bytes,
    contentType: 'application/json',
    etag: '"a"',
    serial: project.length,
    seenSerial: project.length,
    ...times,
    twice: true,
    fetch: 'f',
  };
}

export function pinsFor(project: string): ReadonlyMap<string, Pin> {
  return new Map([[`${project}-1.0.tar.gz`, { digests: new Map([['sha256', sha256(project)]]), seen: 1 }]]);
}
