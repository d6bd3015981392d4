import { type Content, html } from './html.ts';

/** One address over several indexes. */
export interface AddressView {
  readonly name: string;
  /** It also lies at the root. */
  readonly isDefault: boolean;
  /** In the order that they are asked in, each with the names that are its alone; the first of very many. */
  readonly of: readonly { readonly name: string; readonly owned: readonly string[]; readonly ownedCount: number }[];
}

/** Which index answers at such an address for one project, and why. */
export interface AnsweringView {
  readonly address: string;
  readonly index: string;
  /** The pattern by which it owns the name; undefined where it is the first that has it. */
  readonly owned: string | undefined;
  /** Asked before it. */
  readonly before: readonly string[];
}

export function addressSections(addresses: readonly AddressView[], root: string): Content {
  return addresses.map(({ name, isDefault, of }) => {
    const owner = ({ owned, ownedCount }: AddressView['of'][number]) =>
      ownedCount === 0
        ? ''
        : html`: ${owned.join(', ')}${ownedCount > owned.length ? ` and ${ownedCount - owned.length} more` : ''} ${ownedCount === 1 ? 'is' : 'are'} its alone, and no other index is ever asked for them`;
    return html`<section aria-labelledby="address-${name}"><h2 id="address-${name}">The address ${name}</h2>
<p>Installers that use it${isDefault ? ', or the address without any name,' : ''} see several indexes as one. They are asked in this order, and the first that has a project has all of it; where one of them cannot be asked, that is an error and never a reason to ask the next.</p>
<ol>${of.map((each) => html`<li><a href="${root}${each.name}/">${each.name}</a>${owner(each)}</li>`)}</ol></section>`;
  });
}

export function answeringText({ address, index, owned, before }: AnsweringView): Content {
  const why =
    owned !== undefined
      ? html`because <code>${owned}</code> is its own: no other index is asked for it`
      : before.length === 0
        ? 'because it is asked first, and has it'
        : `once ${before.join(' and ')} ${before.length === 1 ? 'has' : 'have'} proved to have none`;
  return html`<p>At the address <b>${address}</b> it is <b>${index}</b> that answers for this name, ${why}.</p>`;
}
