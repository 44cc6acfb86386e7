import { functions } from "../../../lib/topology.ts";
import type { FunctionTopology } from "../../../lib/topology.ts";
import { Problem } from "../../core/errors.ts";
import type { ApiRequest } from "../../middleware/http.ts";

const routeKeys = Object.values<FunctionTopology>(functions)
  .flatMap(({ routes = [] }) => routes)
  .filter((key) => key !== "$default");

/** A known route with another method, or no route at all. */
export const refuseUnknown = ({ method, rawPath }: ApiRequest): never => {
  const matching = routeKeys
    .map((key) => key.split(" ") as [method: string, template: string])
    .filter(([, template]) => matches(template, rawPath));
  // A path that is named as it stands is that route, though a parameter would match it too.
  const named = matching.filter(([, template]) => template === rawPath);
  const allow = (named.length > 0 ? named : matching).map(([allowed]) => allowed);
  if (allow.length === 0) throw new Problem("not_found", "There is no such route.");
  throw new Problem("method_not_allowed", `${method} is not allowed here.`, { allow });
};

/**
 * A path that is named by a route of its own and was taken for a parameter of this one, since there
 * it has no such method: the gateway finds `GET /v1/jobs/{id}` for `GET /v1/jobs/batch`.
 */
export const refuseNamed = (request: ApiRequest): void => {
  const isNamed = routeKeys.some((key) => key.split(" ")[1] === request.rawPath);
  if (isNamed) refuseUnknown(request);
};

const matches = (template: string, path: string): boolean => {
  const expected = template.split("/");
  const actual = path.split("/");
  return (
    expected.length === actual.length &&
    expected.every((part, index) =>
      part.startsWith("{") ? actual[index] !== "" : part === actual[index],
    )
  );
};
