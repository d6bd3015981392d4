import { expect, onTestFinished } from 'vitest';
import type { RedisServer } from '../support/redis.ts';
import { JSON_PAGE, type Mirror } from './mirror.ts';

/**
 * The same mirror. Whatever a test does to it: in the end nothing that it holds is wrong, and what it answered it answers where neither
 * upstream nor Redis is there, files by the same bytes. To be closed by who started it.
 */
export function wholeAtEnd<M extends Omit<Mirror, 'start'>>(mirror: M, redis: Pick<RedisServer, 'kill'>): M {
  /** What was answered last, by path. */
  const answered = new Map<string, Buffer>();
  const listed = (project: string, page: unknown) =>
    answered.set(`/simple/${project}/`, Buffer.from(JSON.stringify(page)));
  onTestFinished(async () => {
    await mirror.stop();
    expect(await mirror.verify()).toMatchObject({ holds: true });
    await redis.kill();
    await mirror.goOffline();
    for (const [path, body] of answered) {
      const again = await mirror.get(path, { headers: { accept: `${JSON_PAGE}, */*` } });
      expect([path, again.status]).toEqual([path, 200]);
      if (path.endsWith('.whl')) expect(again.body.equals(body)).toBe(true);
    }
  });
  return {
    ...mirror,
    async get(path, asking) {
      const { status, body, ...more } = await mirror.get(path, asking);
      if (status === 200) answered.set(path, body);
      if (status === 404) answered.delete(path);
      return { status, body, ...more };
    },
    async page(project) {
      const page = await mirror.page(project);
      listed(project, page);
      return page;
    },
    async names(project) {
      const names = await mirror.names(project);
      listed(project, names);
      return names;
    },
  };
}
