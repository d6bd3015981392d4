import type { Caller } from '../../async/caller.ts';
import { Refusal, type RuledOut } from '../../bytes/refusal.ts';
import type { Explanation, PackageIndex } from '../../mirror/package-index.ts';
import { sumsOf } from '../../mirror/policy/told-rules.ts';
import { pep440VersionOf, versionOf } from '../../pypi/names.ts';
import { VERSION } from '../../version.ts';
import type { HeldBackView } from '../../web/held.ts';
import type { WhyView } from '../../web/why.ts';
import { advisoriesOn } from '../advisories/known.ts';
import type { Composition } from '../compose.ts';
import { explanationParts } from '../explanation-text.ts';
import { settingOf } from '../policy/setting-of-rule.ts';
import {
  advisoryView,
  provenanceView,
  publishedView,
  ruleView,
  ruleViews,
  type ToldParts,
  toldOf,
} from './told-views.ts';

type Parts = Pick<Composition, 'clock'> & ToldParts;

/**
 * Why a file or a project is believed, by what is held; or which rule holds the file back. Throws Refusal; `unlisted` where nothing is held of it.
 */
export async function whyView(
  parts: Parts,
  index: PackageIndex,
  name: string,
  caller: Caller,
): Promise<WhyView | HeldBackView> {
  try {
    return await believedView(parts, index, await index.explain(name, caller, { held: true }), caller);
  } catch (error) {
    if (!(error instanceof Refusal) || error.ruled?.file === undefined) throw error;
    return heldBackView(parts, index, { ...error.ruled, file: error.ruled.file, says: error.message }, caller);
  }
}

async function believedView(
  parts: Parts,
  index: PackageIndex,
  explanation: Explanation,
  caller: Caller,
): Promise<WhyView> {
  const { clock } = parts;
  const [now, judged] = [clock.now(), clock.judged()];
  const { head, carried, vouchers, weaker, forge, facts, besides } = explanationParts(explanation, now);
  const { kind, project, evidence, chain, digests, pinned, reuploads, name } = explanation;
  const listing = (await index.known(project, caller))?.page.listing;
  const version = kind === 'file' ? versionOf(name, project) : undefined;
  const versions = version === undefined ? (listing?.versions ?? []) : [version];
  const told = listing && (await toldOf(parts, index.name, { listing, versions }));
  // Of a file, what speaks of its own version.
  const advisories = told?.advisories?.filter((each) => version === undefined || each.versions.length > 0);
  return {
    now,
    judged,
    version: VERSION,
    index: index.name,
    name,
    kind,
    project,
    evidence,
    head,
    carried,
    chain: chain.map((voucher, at) => ({ ...voucher, says: vouchers[at] ?? '' })),
    weaker: weaker.join(' '),
    forge: forge.join(' '),
    facts,
    besides,
    rules: ruleViews(explanation),
    published: kind === 'file' && told?.provenance ? publishedView(told.provenance, name) : undefined,
    provenance: told?.provenance && provenanceView(told.provenance, kind === 'file' ? name : undefined),
    advisories: advisories?.map(advisoryView),
    digests: Object.fromEntries(digests),
    pinned: pinned !== undefined && pinned.provisional !== true && !reuploads,
  };
}

type HeldBack = RuledOut & { readonly file: string; readonly says: string };

async function heldBackView(
  { clock, config, advisories: feed }: Parts,
  index: PackageIndex,
  { rule, project, file, until, says }: HeldBack,
  caller: Caller,
): Promise<HeldBackView> {
  const page = (await index.known(project, caller))?.page;
  const version = pep440VersionOf(file, project);
  const about = { config, feed, index: config.indexes[index.name], project };
  const advisories = advisoriesOn({ ...about, versions: version === undefined ? [] : [version] });
  return {
    now: clock.now(),
    version: VERSION,
    index: index.name,
    name: file,
    project,
    heldBack: true,
    rule,
    says,
    until,
    setting: settingOf(rule),
    rules: sumsOf(page?.told(file) ?? [], file, 1).map(ruleView),
    advisories: advisories?.filter(({ versions }) => versions.length > 0).map(advisoryView),
    remedy: FOR_GOOD.has(rule)
      ? undefined
      : `verbatim requests --allow ${index.name} ${project}${version === undefined ? '' : `==${version}`} --rule "${rule}" --reason "..."`,
  };
}

/** What no exception lets pass. */
const FOR_GOOD: ReadonlySet<string> = new Set(['quarantined upstream', 'quarantined here']);
