import type { LayoutDescription } from '../config/config.ts';
import type { Layout } from '../presets/layouts.ts';

/** A layout of the operator's own, as the upstream side takes it. */
export function describedLayout({ metadata, pages, files }: LayoutDescription): Layout {
  return {
    name: 'custom',
    metadata,
    ...(pages === undefined
      ? {}
      : {
          pages: {
            base: pages.base,
            target: pages.target,
            // Links are relative to the folder a browser would see the page in.
            seenAt: pages.target.slice(0, pages.target.lastIndexOf('/') + 1) || '{project}/',
            prefix: pages.hashPrefix,
          },
          list: pages.list,
        }),
    files:
      files === undefined
        ? { base: '', prefix: false }
        : { base: files.base, target: files.target, prefix: files.hashPrefix },
  };
}
