/** By the names of rules that are no conditions of a policy: what an operator would change. */
const SETTINGS: Readonly<Record<string, string>> = {
  'minimum age': 'policy.minimum_age',
  'minimum age of projects': 'policy.minimum_age.projects',
  'upload-time': 'policy.minimum_age',
  names: 'policy.names',
  'known malware': 'advisories.malware',
  'known vulnerable': 'advisories.vulnerable',
  provenance: 'provenance.mode',
  'changed provenance': 'provenance.mode',
  'lost provenance': 'provenance.mode',
  'quarantined upstream': 'none: the index took it back',
  'quarantined here': 'verbatim quarantine --lift',
};

/** What an operator would change so that a rule says otherwise; for people. */
export function settingOf(rule: string): string {
  return SETTINGS[rule] ?? 'policy.conditions';
}
