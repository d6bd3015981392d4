import type { z } from 'zod';
import { internalCaller } from '../../async/caller.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Composition } from '../compose.ts';
import { acceptChangeIn } from '../operator/accept-change.ts';
import { acceptClockIn } from '../operator/accept-clock.ts';
import { answerIn } from '../operator/answer.ts';
import { forgetIn } from '../operator/forget.ts';
import { importPublishersIn } from '../operator/publishers.ts';
import { quarantineIn } from '../operator/quarantine.ts';
import { refreshIn } from '../operator/refresh.ts';
import { pruneStep } from '../pruning/steps.ts';
import { type ServerReport, statusOf } from '../status.ts';
import type { Handle } from './listen.ts';
import {
  AcceptChangeRequest,
  AcceptClockRequest,
  AdoptRequest,
  AnswerRequest,
  FollowRequest,
  ForgetRequest,
  PruneRequest,
  PublishersRequest,
  QuarantineRequest,
  RefreshRequest,
  RetainRequest,
} from './requests.ts';
import type { LiveStatus } from './status-answer.ts';

/** Pages that are looked at before an act is answered; all others are looked at when they are next asked for. */
const LOOKED_AT = 16;

/** What a server does when it is asked over its control socket. */
export function createHandle(
  composition: Composition,
  knows: () => { readonly server: ServerReport; readonly conditions: LiveStatus['report']['conditions'] },
): Handle {
  const { operator } = composition;
  return async (name, about) => {
    switch (name) {
      case 'status': {
        const { server, conditions } = knows();
        return { report: await statusOf(composition, conditions), server };
      }
      case 'refresh': {
        const request = read(RefreshRequest, about);
        const mirror = mirrorOf(composition, request.index);
        const state = composition.states.get(request.index);
        return refreshIn({ mirror, state, now: operator.now() }, request);
      }
      case 'forget':
        return forgetIn(operator, read(ForgetRequest, about));
      case 'quarantine': {
        const request = read(QuarantineRequest, about);
        const quarantined = await quarantineIn(operator, request);
        if (!request.dryRun) await follow(composition, request.index, [quarantined.project], false);
        return quarantined;
      }
      case 'answer': {
        const request = read(AnswerRequest, about);
        const answered = await answerIn(operator, request);
        if (!request.dryRun) await follow(composition, request.index, [answered.project], false);
        return answered;
      }
      case 'accept-change': {
        const request = read(AcceptChangeRequest, about);
        const accepted = await acceptChangeIn(operator, request);
        if (!request.dryRun)
          await follow(
            composition,
            request.index,
            accepted.map(({ project }) => project),
            true,
          );
        return accepted;
      }
      case 'publishers': {
        const request = read(PublishersRequest, about);
        const imported = await importPublishersIn(operator, request);
        const projects = imported.flatMap(({ project, result }) => (result === 'new' ? [project] : []));
        if (!request.dryRun) await follow(composition, request.index, projects, false);
        return imported;
      }
      case 'accept-clock':
        return acceptClockIn(operator, read(AcceptClockRequest, about));
      case 'follow': {
        const { index, projects } = read(FollowRequest, about);
        await follow(composition, index, projects, false);
        return {};
      }
      case 'adopt': {
        const { index } = read(AdoptRequest, about);
        await mirrorOf(composition, index).carried?.adopt();
        // What it brought is counted, and spared.
        await composition.blobs.rescan();
        return {};
      }
      case 'retain': {
        read(RetainRequest, about);
        await composition.blobs.retain();
        return {};
      }
      case 'prune':
        return pruneStep(composition, read(PruneRequest, about));
      default:
        throw new Refusal('format', `This server knows no "${name}".`, { subject: 'request' });
    }
  };
}

/** `looks`: upstream is asked for the first of them now. Where it cannot be had, whoever asks next is told. */
async function follow(composition: Composition, index: string, all: readonly string[], looks: boolean): Promise<void> {
  const mirror = mirrorOf(composition, index);
  const caller = internalCaller(index, 'operator', 'client');
  const projects = [...new Set(all)];
  for (const project of projects) {
    await mirror.judgeAgain(project);
    await mirror.follow(project, caller);
  }
  if (!looks) return;
  await Promise.all(projects.slice(0, LOOKED_AT).map((project) => mirror.look(project, caller).catch(() => undefined)));
}

function mirrorOf({ indexes }: Composition, name: string) {
  const mirror = indexes.find((each) => each.name === name);
  if (mirror === undefined)
    throw new Refusal('unlisted', `No index called ${name} is configured on the server that runs.`, {
      subject: 'request',
    });
  return mirror;
}

function read<T>(schema: z.ZodType<T>, about: unknown): T {
  const { data, error } = schema.safeParse(about);
  if (data === undefined)
    throw new Refusal(
      'format',
      `The server that runs does not know such a request: ${error?.issues[0]?.message ?? ''}.`,
      {
        subject: 'request',
      },
    );
  return data;
}
