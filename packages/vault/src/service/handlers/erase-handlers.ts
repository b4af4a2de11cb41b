/* Erase orders: put by whoever runs the site, with signatures of those who may order; what became of them. */

import { eraseOrderBytesMax, ledgerEntryBytesMax, parseEraseOrder } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import type { EraseSummary } from '@twinvault/protocol';
import { parseFrames } from '@twinvault/protocol/wire';
import type { ErasesAnswer } from '@twinvault/protocol/wire';
import { toHex } from '@twinvault/std';
import type { NewObject } from '../../database/inventory.ts';
import type { Handlers } from '../http/http-app.ts';
import { done, json, openSafeOf, parameterOf } from './handler-parts.ts';
import type { HandlerParts } from './handler-parts.ts';
import { entryObject } from './safe-handlers.ts';

export interface EraseHandlerParts extends HandlerParts {
  /** Has the orders of the safe, hexadecimal, looked at. */
  readonly eraseSoon: (safe: string) => Promise<void>;
}

export function eraseHandlers({ vault, announcements, eraseSoon }: EraseHandlerParts): Handlers {
  return {
    erases: async (call) => json(erasesAnswerOf(await (await openSafeOf(vault, call)).erases())),
    orderErase: async (call) => {
      const bytesMax = Math.max(eraseOrderBytesMax, ledgerEntryBytesMax);
      const [entry, order] = parseFrames(call.body, { countMax: 2, bytesMax });
      if (entry === undefined || order === undefined) throw new ProtocolError('frames-invalid', { context: { frames: 1 } });
      await (await openSafeOf(vault, call)).orderErase(order, entry);
      await announcements.announce(parameterOf(call, 'safe'), orderObject(order), entryObject(entry));
      await eraseSoon(parameterOf(call, 'safe'));
      return done;
    },
    cancelErase: async (call) => {
      await (await openSafeOf(vault, call)).cancelErase(call.body);
      await announcements.announce(parameterOf(call, 'safe'), orderObject(call.body));
      return done;
    },
  };
}

function orderObject(order: Uint8Array): NewObject {
  return { kind: 'erase', name: toHex(parseEraseOrder(order).name), bytes: order.length };
}

function erasesAnswerOf(erases: readonly EraseSummary[]): ErasesAnswer {
  return {
    erases: erases.map(({ site, order, jobs, ...rest }) => ({
      ...rest,
      site: toHex(site),
      order: toHex(order),
      jobs: jobs?.map(({ computer, job }) => ({ computer: toHex(computer), job })) ?? null,
    })),
  };
}
