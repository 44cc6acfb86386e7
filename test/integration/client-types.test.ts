import { describe, expectTypeOf, it } from "vitest";
import type * as z from "zod";
import type * as contract from "../../lambdas/contract/views.ts";
import type { jobSchema } from "../../lambdas/contract/job-request.ts";
import type { secretRequest } from "../../lambdas/contract/signing-secrets.ts";
import type { ProblemCode } from "../../lambdas/core/errors.ts";
import type * as client from "../../lib/client/index.ts";

/**
 * The client writes its types out, so that its declarations stand alone. `npm run type-check` holds
 * them to the contract here: a field that is added there is missing here.
 */

type Item<T> = T extends readonly (infer I)[] ? I : never;
/** Whether something is readonly is the client's own affair. */
type Writable<T> = T extends (infer I)[] | readonly (infer I)[]
  ? Writable<I>[]
  : T extends object
    ? { -readonly [K in keyof T]: Writable<T[K]> }
    : T;

describe("the client's types", () => {
  it("show a job as the contract does", () => {
    expectTypeOf<Writable<client.JobView>>().toEqualTypeOf<Writable<contract.JobView>>();
    expectTypeOf<keyof client.JobViewWithPayload>().toEqualTypeOf<
      keyof contract.JobWithContentView
    >();
    expectTypeOf<contract.JobWithContentView>().toExtend<client.JobViewWithPayload>();
    expectTypeOf<Writable<client.JobViewWithPayload>>().toExtend<contract.JobWithContentView>();
  });

  it("show attempts, pages, batches and changes as the contract does", () => {
    expectTypeOf<Writable<client.AttemptView>>().toEqualTypeOf<Writable<contract.AttemptView>>();
    expectTypeOf<Writable<client.Page<client.JobView>>>().toEqualTypeOf<
      Writable<contract.JobPageView>
    >();
    expectTypeOf<Writable<client.Page<client.AttemptView>>>().toEqualTypeOf<
      Writable<contract.AttemptPageView>
    >();
    type Accepted<T> = Extract<T, { readonly id: string }>;
    type ContractItem = Item<contract.BatchView["items"]>;
    expectTypeOf<Writable<Accepted<client.BatchItem>>>().toEqualTypeOf<
      Writable<Accepted<ContractItem>>
    >();
    expectTypeOf<ContractItem>().toExtend<client.BatchItem>();
    expectTypeOf<Writable<client.CancelledJob>>().toEqualTypeOf<contract.CancelledView>();
    expectTypeOf<Writable<Omit<client.RetriedJob, "replayed">>>().toEqualTypeOf<
      Writable<Pick<contract.RetriedView, "id" | "status">>
    >();
    expectTypeOf<contract.AcceptedView["status"]>().toEqualTypeOf<client.AcceptedJob["status"]>();
  });

  it("show signing secrets as the contract does, and ask for them alike", () => {
    expectTypeOf<Writable<client.PutSigningSecret>>().toEqualTypeOf<contract.PutSecretView>();
    expectTypeOf<Writable<client.SigningSecret>>().toEqualTypeOf<
      Item<contract.SecretListView["items"]>
    >();
    expectTypeOf<
      Writable<client.DeletedSigningSecret>
    >().toEqualTypeOf<contract.DeletedSecretView>();
    expectTypeOf<Writable<client.SigningSecretRequest>>().toEqualTypeOf<
      z.input<typeof secretRequest>
    >();
  });

  it("show a problem as the contract does, with every code of it", () => {
    expectTypeOf<Writable<client.ProblemView>>().toEqualTypeOf<
      Writable<Omit<contract.ProblemView, "code"> & { code: string }>
    >();
    expectTypeOf<contract.ProblemView>().toExtend<client.ProblemView>();
    expectTypeOf<ProblemCode>().toExtend<client.ErrorCode>();
  });

  it("ask for a job as the contract does", () => {
    type Asked = z.input<ReturnType<typeof jobSchema>>;
    expectTypeOf<keyof client.JobRequest>().toEqualTypeOf<keyof Asked>();
    expectTypeOf<Writable<client.JobRequest>>().toExtend<Asked>();
    type Plain<T> = Writable<
      Pick<
        T,
        Extract<keyof T, "tenant_id" | "type" | "dedupe_key" | "execute_at" | "priority" | "retry">
      >
    >;
    expectTypeOf<Plain<client.JobRequest>>().toEqualTypeOf<Plain<Asked>>();
  });
});
