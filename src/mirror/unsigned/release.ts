import type { ReleaseDocument } from '../../ports/contents/inside.ts';
import type { Upstream } from '../../ports/upstream.ts';
import { JSON_TYPE } from '../../pypi/media-types.ts';
import { RELEASE_JSON } from '../contents/limits.ts';

interface ReleaseOptions {
  readonly upstream: Pick<Upstream, 'document'>;
  /** What `/pypi/` lies under upstream; undefined where there is none. */
  readonly api: string | undefined;
}

/** The JSON document of a release, as upstream has it; undefined for an index that has no place for it. */
export function releaseOf({ upstream, api }: ReleaseOptions): ReleaseDocument | undefined {
  if (api === undefined) return undefined;
  return async (project, version, caller) => {
    const url = new URL(`pypi/${project}/${encodeURIComponent(version)}/json`, api).href;
    const answer = await upstream.document({ url, accept: JSON_TYPE, fresh: false, limit: RELEASE_JSON }, caller);
    return answer.kind === 'document' ? answer.bytes : undefined;
  };
}
