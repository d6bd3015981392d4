import type { KnownCondition } from '../app/status.ts';

/** What an operator should know of how this mirror stands; nothing where there is nothing. */
export function conditionLines(
  conditions: readonly Pick<KnownCondition, 'what' | 'index' | 'message'>[],
): readonly string[] {
  if (conditions.length === 0) return [];
  return [
    'To know:',
    ...conditions.map(({ what, index, message }) => `  ${what}${index === '' ? '' : ` (${index})`}: ${message}`),
  ];
}
