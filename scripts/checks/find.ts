import { isNode, type Node, nameOf, parse, type Source } from '../../test/architecture/source.ts';

// Finds what refuses in a source file: a condition before a throw or before words of refusal, and a call of a function that only checks.

/** One check, and how to do without it. */
export interface Check {
  readonly path: string;
  readonly line: number;
  /** The functions and classes it stands in, outermost first. */
  readonly where: string;
  /** Its source in one line. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** A condition refuses at one of its two values; a `call` throws; a `proof` is a value that is handed on or thrown at; a `limit` is put on a schema. */
  readonly by: 'true' | 'false' | 'call' | 'proof' | 'limit';
  /** Of a limit: where the schema ends that it is put on. */
  readonly bare?: number;
}

/** Functions of which a call alone is a check: they return nothing, or throw. */
const CHECKING =
  /^#?(?:refuse|check|must|assert|ensure|require|verify|throwIf|expect)[A-Z]\w*$|^#?(?:check|must|assert|ensure|verify|expect)$/;
/** Functions that tell a refusal: `return lost(path, 'is damaged')`, `reject(error)`, `context.addIssue(…)`. */
const REFUSING =
  /^#?(?:refuse|refused|reject|fail|failed|fault|deny|forbid|forbidden|lost|judged|malformed|damaged|truncated|unlisted|unknown|addIssue|usage|wrong|destroy|abort|replyProblem|Refusal)(?:[A-Z]\w*)?$/;
/** Members by which a result says that it is a refusal. */
const TELLING: ReadonlySet<string> = new Set(['why', 'wrong', 'refusal', 'fault', 'error']);
const BAD_WORDS: ReadonlySet<string> = new Set(
  'malformed too-long absent double-slash refused wrong unsatisfiable contradicts busy expired'.split(' '),
);
/** Methods of a schema by which it takes less. */
const LIMITING = /^(?:max|min|length|nonnegative|positive|regex|refine)$/;
/** Functions whose texts are faults. */
const FAULTS = /fault|objection|wrong|unfit|why|refus|invalid|complain/i;

interface Spot {
  readonly start: number;
  readonly end: number;
  readonly by: Check['by'];
  /** Where its text begins and ends, if not at `start` and `end`. */
  readonly from?: number;
  readonly whole?: number;
  readonly bare?: number;
}

export function checksOf(source: Source): readonly Check[] {
  const { sites, imports } = parse(source);
  const hasSchemas = imports.some(({ specifier }) => specifier === 'zod');
  return [...walk(sites[0]?.node, [])]
    .filter(({ by }) => by !== 'limit' || hasSchemas)
    .map(({ start, end, by, where, from = start, whole = end, bare }) => ({
      path: source.path,
      line: source.text.slice(0, from).split('\n').length,
      where: where.join('.'),
      text: source.text.slice(from, whole).replaceAll(/\s+/g, ' ').trim(),
      start,
      end,
      by,
      ...(bare === undefined ? {} : { bare }),
    }))
    .sort((a, b) => a.start - b.start || b.end - a.end);
}

function* walk(value: unknown, where: readonly string[]): Generator<Spot & { readonly where: readonly string[] }> {
  if (Array.isArray(value)) for (const each of value) yield* walk(each, where);
  else if (isNode(value)) {
    const name = /^(?:Function|Class)Declaration$/.test(value.type)
      ? nameOf(value['id'])
      : /^(?:MethodDefinition|PropertyDefinition|Property)$/.test(value.type)
        ? nameOf(value['key'])
        : value.type === 'VariableDeclarator'
          ? nameOf(value['id'])
          : undefined;
    const inner = name === undefined ? where : [...where, name];
    for (const spot of spotsOf(value, inner.at(-1) ?? '')) yield { ...spot, where: inner };
    for (const member of Object.values(value)) yield* walk(member, inner);
  }
}

function spotsOf(node: Node, where: string): readonly Spot[] {
  const { start, end } = node;
  if (node.type === 'IfStatement' && isNode(node['test'])) {
    if (refuses(node['consequent'], where)) return leaves(node['test'], true);
    if (refuses(node['alternate'], where)) return leaves(node['test'], false);
  }
  if (
    node.type === 'ExpressionStatement' &&
    !isProof(node['expression']) &&
    CHECKING.test(calleeOf(node['expression']) ?? '')
  )
    return [{ start, end, by: 'call' }];
  // The name of what is called is all that is put into other hands.
  if (isProof(node) && isNode(node['callee'])) return [{ start, end: node['callee'].end, by: 'proof', whole: end }];
  return limitsOf(node);
}

/** `schema.max(4)` is a limit put on `schema`. */
function limitsOf(node: Node): readonly Spot[] {
  const { callee } = node;
  if (node.type !== 'CallExpression' || !isNode(callee) || callee.type !== 'MemberExpression') return [];
  const schema = callee['object'];
  if (!LIMITING.test(nameOf(callee['property']) ?? '') || !isNode(schema) || nameOf(schema) === 'Math') return [];
  const { start, end } = node;
  return [{ start, end, by: 'limit', from: schema.end, bare: schema.end }];
}

function isProof(call: unknown): boolean {
  return isNode(call) && call.type === 'CallExpression' && nameOf(call['callee']) === 'mustBe';
}

/** Each part of a condition that refuses on its own. `when` is the value at which the whole refuses. */
function leaves(test: Node, when: boolean): readonly Spot[] {
  const [left, right, argument] = [test['left'], test['right'], test['argument']];
  if (test.type === 'ParenthesizedExpression' && isNode(test['expression'])) return leaves(test['expression'], when);
  if (test.type === 'UnaryExpression' && test['operator'] === '!' && isNode(argument)) return leaves(argument, !when);
  if (test.type === 'LogicalExpression' && test['operator'] === (when ? '||' : '&&') && isNode(left) && isNode(right))
    return [...leaves(left, when), ...leaves(right, when)];
  // `if (!(error instanceof Refusal)) throw error;` lets through what is no refusal, and checks nothing.
  if (
    test.type === 'BinaryExpression' &&
    test['operator'] === 'instanceof' &&
    /^(?:error|cause)$/.test(nameOf(left) ?? '')
  )
    return [];
  return [{ start: test.start, end: test.end, by: when ? 'true' : 'false' }];
}

/** True for a branch that ends in a refusal. */
function refuses(branch: unknown, where: string): boolean {
  if (!isNode(branch)) return false;
  if (branch.type === 'BlockStatement')
    return Array.isArray(branch['body']) && branch['body'].length > 0 && refuses(branch['body'].at(-1), where);
  if (branch.type === 'ThrowStatement') return true;
  if (branch.type === 'ExpressionStatement') return REFUSING.test(calleeOf(branch['expression']) ?? '');
  return branch.type === 'ReturnStatement' && isNode(branch['argument']) && tells(branch['argument'], where);
}

function tells(result: Node, where: string): boolean {
  if (result.type === 'Literal')
    return (
      result['value'] === false || BAD_WORDS.has(String(result['value'])) || (isText(result) && FAULTS.test(where))
    );
  if (result.type === 'TemplateLiteral') return FAULTS.test(where);
  if (result.type === 'ObjectExpression' && Array.isArray(result['properties']))
    return result['properties'].some(
      (property) =>
        isNode(property) &&
        (TELLING.has(nameOf(property['key']) ?? '') ||
          (nameOf(property['key']) === 'kind' && BAD_WORDS.has(nameOf(property['value']) ?? ''))),
    );
  return REFUSING.test(calleeOf(result) ?? '');
}

function isText({ value }: Node): boolean {
  return typeof value === 'string';
}

/** The last name of what is called, waited for or delegated to. */
function calleeOf(expression: unknown): string | undefined {
  if (!isNode(expression)) return undefined;
  if (/^(?:Await|Yield|Chain)Expression$/.test(expression.type))
    return calleeOf(expression['argument'] ?? expression['expression']);
  if (!/^(?:Call|New)Expression$/.test(expression.type)) return undefined;
  const callee = expression['callee'];
  if (!isNode(callee)) return undefined;
  return nameOf(callee.type === 'MemberExpression' ? callee['property'] : callee);
}
