mock-june check export/ --history
