/** One declaration per resource and function: everything else about their arguments and outputs follows from here. */
import { backupJobSchema } from "./backupJob";
import { getBackupStatusSchema } from "./backupStatus";
import { backupPlanSchema } from "./borgui/backupPlan";
import { connectionSchema } from "./borgui/connection";
import { getConnectionsSchema, getServerSchema, getSystemKeySchema } from "./borgui/functions";
import { keySchema } from "./borgui/key";
import { repositorySchema } from "./borgui/repository";
import { systemKeySchema } from "./borgui/systemKey";
import type { Field, FunctionSchema, ResourceSchema } from "./define";
import {
  getAccountSchema,
  getRepoSchema,
  getReposSchema,
  getSshKeySchema,
  getSshKeysSchema,
  getStorageSchema,
  testConnectionSchema,
} from "./functions";
import { keyPairSchema } from "./keyPair";
import { renderBackupJobSchema } from "./renderBackupJob";
import { repoSchema } from "./repo";
import { sshConnectionSchema } from "./sshConnection";
import { sshKeySchema } from "./sshKey";

export type { Field, FunctionSchema, Input, Output, ResourceSchema } from "./define";

/** All resources, in the order of the documentation. */
export const resourceSchemas = [
  keyPairSchema,
  sshKeySchema,
  repoSchema,
  sshConnectionSchema,
  backupJobSchema,
  systemKeySchema,
  keySchema,
  connectionSchema,
  repositorySchema,
  backupPlanSchema,
] as unknown as ResourceSchema<Record<string, Field>>[];

export const functionSchemas = [
  getRepoSchema,
  getReposSchema,
  getSshKeySchema,
  getSshKeysSchema,
  getAccountSchema,
  getStorageSchema,
  testConnectionSchema,
  renderBackupJobSchema,
  getBackupStatusSchema,
  getServerSchema,
  getConnectionsSchema,
  getSystemKeySchema,
] as unknown as FunctionSchema[];
