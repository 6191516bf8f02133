// The smallest function for Node.js that holds clients for DynamoDB, S3 and KMS.
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { KMSClient } from "@aws-sdk/client-kms";
import { S3Client } from "@aws-sdk/client-s3";

const clients = [new DynamoDBClient({}), new S3Client({}), new KMSClient({})];

export const handler = async () => ({ statusCode: 200, body: clients.length === 3 ? "hello" : "" });
