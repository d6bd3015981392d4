import { expect, it } from 'vitest';
import { Questions } from '../../../../src/app/processes/questions.ts';

it('an answer is for whoever asked under its number', async () => {
  const questions = new Questions<string>();
  const ids: number[] = [];
  const send = (id: number) => ids.push(id) > 0;
  const [first, second] = [questions.ask(send), questions.ask(send)];
  questions.answered(ids[1] ?? 0, 'two');
  questions.answered(ids[0] ?? 0, 'one');
  questions.answered(99, 'nobody asked');
  expect([await first, await second]).toEqual(['one', 'two']);
});

it('nobody waits for a process that has ended, or is not there', async () => {
  const questions = new Questions<string>();
  const asked = questions.ask(() => true);
  questions.ended();
  await expect(asked).rejects.toThrow('has ended');
  await expect(questions.ask(() => false)).rejects.toThrow('has ended');
});
