/** The one table: jobs and all that belongs to them, billed by the request. */
import { RemovalPolicy } from "aws-cdk-lib";
import {
  AttributeType,
  Billing,
  ProjectionType,
  TableEncryptionV2,
  TableV2,
} from "aws-cdk-lib/aws-dynamodb";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import { table } from "../topology.ts";
import type { Grants, KeyGrant } from "../topology.ts";

export interface JobTableProps {
  /** Whether the table goes when its stack goes; elsewhere it stays, and refuses to be deleted. */
  readonly development: boolean;
}

export class JobTable extends Construct {
  /** The variable that names the table, with its value. */
  readonly variables: Readonly<Record<string, string>>;
  readonly #arn: string;

  constructor(scope: Construct, id: string, props: JobTableProps) {
    super(scope, id);
    const key = (name: string) => ({ name, type: AttributeType.STRING });
    const resource = new TableV2(this, "Table", {
      partitionKey: key(table.partitionKey),
      sortKey: key(table.sortKey),
      billing: Billing.onDemand(),
      // AWS-owned keys: encrypted, without a KMS request to pay for.
      encryption: TableEncryptionV2.dynamoOwnedKey(),
      timeToLiveAttribute: table.ttlAttribute,
      globalSecondaryIndexes: table.indexes.map((index) => ({
        indexName: index.name,
        partitionKey: key(index.partitionKey),
        sortKey: key(index.sortKey),
        projectionType: ProjectionType.KEYS_ONLY,
      })),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: !props.development,
      removalPolicy: props.development ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
    });
    this.variables = { [table.nameVariable]: resource.tableName };
    this.#arn = resource.tableArn;
  }

  /**
   * Opens the table for the named actions on keys with the named prefixes
   * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html).
   * `ForAllValues` also holds for a request that names no key at all, such as a scan: a topology
   * can grant only actions that name one.
   */
  statements({ table: grant }: Grants): PolicyStatement[] {
    if (!grant) return [];
    const indexes = grant.indexes ?? [];
    return [
      // An index's keys begin with whatever tenant is asked for, so no prefix can bound them.
      ...(indexes.length === 0
        ? []
        : [
            new PolicyStatement({
              actions: ["dynamodb:Query"],
              resources: indexes.map((index) => `${this.#arn}/index/${index}`),
            }),
          ]),
      ...grant.keys.map((keys) => this.#onKeys(keys)),
    ];
  }

  #onKeys({ actions, keyPrefixes }: KeyGrant): PolicyStatement {
    return new PolicyStatement({
      actions: actions.map((action) => `dynamodb:${action}`),
      resources: [this.#arn],
      conditions: {
        "ForAllValues:StringLike": {
          "dynamodb:LeadingKeys": keyPrefixes.map((prefix) => `${prefix}*`),
        },
      },
    });
  }
}
