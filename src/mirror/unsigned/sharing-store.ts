import type { CommonPages } from '../../ports/common-pages.ts';
import type { PageStore } from '../../ports/index-state.ts';

/** A store whose pages other replicas may have as soon as they are stored, and that holds new projects to others' floors. */
export function sharingStore(store: PageStore, common: Pick<CommonPages, 'find' | 'stored'>): PageStore {
  return {
    load: (project) => store.load(project),
    left: (project) => store.left(project),
    isCurrent: (record) => store.isCurrent(record),
    async save(record) {
      const saved = await store.save(record);
      if (saved !== undefined) common.stored(saved.project, { page: saved });
      return saved;
    },
    prepare: (record, saved) =>
      store.prepare(record, () => {
        saved();
        common.stored(record.project, { page: record });
      }),
    async remove(record) {
      const isRemoved = await store.remove(record);
      if (isRemoved) common.stored(record.project, { gone: { serial: record.serial } });
      return isRemoved;
    },
    async gone(project) {
      const floor = await store.gone(project);
      if (floor !== undefined) return floor;
      const elsewhere = (await common.find(project))?.gone;
      return elsewhere && { ...elsewhere, version: 0 };
    },
  };
}
