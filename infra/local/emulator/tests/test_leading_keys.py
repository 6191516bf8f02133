import unittest

from botocore.exceptions import ClientError

from . import emulator


def text(value):
    return {"S": value}


class LeadingKeys(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.emulator = emulator.shared()
        root = cls.emulator.client("dynamodb")
        for table in ("Tenant", "Directory"):
            root.create_table(
                TableName=table, BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "shard")],
                KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
                GlobalSecondaryIndexes=[{
                    "IndexName": "due", "Projection": {"ProjectionType": "ALL"},
                    "KeySchema": [{"AttributeName": "shard", "KeyType": "HASH"}],
                }],
            )
        cls.acme = cls.emulator.client("dynamodb", cls.emulator.credentials([
            statement("table/Tenant", "${aws:PrincipalTag/TenancyId}", "${aws:PrincipalTag/TenancyId}#*"),
            statement("table/Directory", "due#${aws:PrincipalTag/TenancyId}"),
            statement("table/Directory/index/due", "shard#*"),
        ], TenancyId="acme"))

    def put(self, table, key, **more):
        return self.acme.put_item(TableName=table, Item={"pk": text(key), "sk": text("1"), **more})

    def refused(self):
        return self.assertRaisesRegex(ClientError, "AccessDenied")

    def test_own_key(self):
        self.put("Tenant", "acme#shows")

    def test_other_key_is_refused(self):
        with self.refused():
            self.put("Tenant", "globex#shows")

    def test_query_by_own_key(self):
        self.acme.query(
            TableName="Tenant", KeyConditionExpression="#k = :k", ExpressionAttributeNames={"#k": "pk"},
            ExpressionAttributeValues={":k": text("acme#shows")})

    def test_query_by_other_key_is_refused(self):
        with self.refused():
            self.acme.query(TableName="Tenant", KeyConditionExpression="pk = :k AND sk = :s",
                            ExpressionAttributeValues={":k": text("globex"), ":s": text("acme")})

    def test_index_leads_with_its_own_key(self):
        self.query_index("shard#1")

    def test_index_by_other_key_is_refused(self):
        with self.refused():
            self.query_index("acme")

    def query_index(self, shard):
        return self.acme.query(TableName="Directory", IndexName="due", KeyConditionExpression="shard = :k",
                               ExpressionAttributeValues={":k": text(shard)})

    def test_scan_is_refused(self):
        with self.refused():
            self.acme.scan(TableName="Tenant")

    def test_transaction_over_two_tables(self):
        self.transact("acme#shows", "due#acme")

    def test_transaction_with_one_other_key_is_refused(self):
        with self.refused():
            self.transact("acme#shows", "due#globex")

    def test_transaction_judges_each_item_by_its_own_table(self):
        with self.refused():
            self.transact("due#acme", "acme#shows")

    def transact(self, tenant_key, directory_key):
        return self.acme.transact_write_items(TransactItems=[
            {"Put": {"TableName": "Tenant", "Item": {"pk": text(tenant_key), "sk": text("2")}}},
            {"Update": {"TableName": "Directory", "Key": {"pk": text(directory_key), "sk": text("2")},
                        "UpdateExpression": "SET a = :a", "ExpressionAttributeValues": {":a": text("a")}}},
        ])

    def test_condition_check_of_other_key_is_refused(self):
        with self.refused():
            self.acme.transact_write_items(TransactItems=[{"ConditionCheck": {
                "TableName": "Tenant", "Key": {"pk": text("globex"), "sk": text("1")},
                "ConditionExpression": "attribute_exists(pk)"}}])

    def test_batch_over_two_tables(self):
        self.acme.batch_write_item(RequestItems={
            "Tenant": [{"PutRequest": {"Item": {"pk": text("acme"), "sk": text("3")}}}],
            "Directory": [{"DeleteRequest": {"Key": {"pk": text("due#acme"), "sk": text("3")}}}],
        })

    def test_batch_with_one_other_key_is_refused(self):
        with self.refused():
            self.acme.batch_get_item(RequestItems={
                "Tenant": {"Keys": [{"pk": text(key), "sk": text("3")} for key in ("acme", "globex")]}})


def statement(resource, *keys):
    return {
        "Effect": "Allow", "Action": "dynamodb:*", "Resource": f"arn:aws:dynamodb:us-east-1:000000000000:{resource}",
        "Condition": {
            "ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(keys)},
            "Null": {"dynamodb:LeadingKeys": "false"},
        },
    }
