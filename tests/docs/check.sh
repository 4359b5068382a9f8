mock-june check export/
mock-june check users.csv --kind identify --map userId=user_id
